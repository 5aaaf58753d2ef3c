#!/usr/bin/env bash
set -euo pipefail
D=$(mktemp -d)
trap 'rm -rf "$D"' EXIT
cat > "$D/all.yaml"
cat > "$D/kustomization.yaml" <<EOF
resources:
- all.yaml
commonAnnotations:
  release: "${1:-dev}"
patches:
- target:
    kind: Deployment
  patch: |-
    - op: add
      path: /spec/template/spec/priorityClassName
      value: high
EOF
kustomize build "$D"
