locals {
  renderers = {
    dev  = "../scripts/images.sh"
    prod = "../scripts/annotate.sh"
  }
}
resource "helm_release" "b" {
  name  = "b"
  chart = "b"
  postrender {
    binary_path = local.renderers[var.env]
  }
}
resource "kubernetes_manifest" "hr" {
  manifest = yamldecode(<<-YAML
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: x
    spec:
      postRenderers:
        - kustomize:
            namespace: other
  YAML
  )
}
