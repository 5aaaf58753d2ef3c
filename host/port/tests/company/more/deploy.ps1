param([string]$PostRenderer = "./render.ps1")
$args = @("upgrade", "a", "./a", "--post-renderer", $PostRenderer)
& helm @args
