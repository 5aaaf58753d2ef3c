# helm upgrade --post-renderer ./commented.ps1
$renderer = "./deploy/images.sh"
Write-Host "helm upgrade --post-renderer $renderer"
helm upgrade --install shop ./chart `
  --post-renderer $renderer `
  --wait
