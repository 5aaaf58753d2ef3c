terraform {
  source = "../modules/app"
}
inputs = {
  post_renderer = "${get_terragrunt_dir()}/../scripts/images.sh"
}
