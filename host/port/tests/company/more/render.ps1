$text = [Console]::In.ReadToEnd()
$text -replace 'image: docker.io', 'image: mirror'
