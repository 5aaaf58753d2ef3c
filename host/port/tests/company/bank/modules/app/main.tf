variable "post_renderer" {
  type = string
}
resource "helm_release" "a" {
  name  = "a"
  chart = "a"
  postrender {
    binary_path = var.post_renderer
  }
}
