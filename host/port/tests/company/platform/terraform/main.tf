# postrender { binary_path = "./commented.sh" }
resource "helm_release" "redis" {
  name  = "redis"
  chart = "redis"
  postrender {
    binary_path = "${path.module}/../render/tolerations.sh"
    args        = ["a"]
  }
}
resource "helm_release" "web" {
  name  = "web"
  chart = "web"
  postrender = {
    binary_path = var.prod ? "${path.module}/render/count.py" : "./gone.sh"
  }
}
resource "helm_release" "dyn" {
  name  = "dyn"
  chart = "dyn"
  dynamic "postrender" {
    for_each = var.postrender_path == "" ? [] : [1]
    content {
      binary_path = var.postrender_path
    }
  }
}
resource "null_resource" "cli" {
  provisioner "local-exec" {
    command = <<-EOT
      helm upgrade --install x ./x \
        --post-renderer ../render/tolerations.sh
    EOT
  }
}
module "app" {
  source      = "./app"
  post_render = "${path.module}/../render/tolerations.sh"
}
resource "kubectl_manifest" "hr" {
  yaml_body = yamlencode({
    kind = "HelmRelease"
    spec = {
      postRenderers = [{ kustomize = { patches = [{ patch = "- op: add\n  path: /metadata/labels/team\n  value: x" }] } }]
    }
  })
}
