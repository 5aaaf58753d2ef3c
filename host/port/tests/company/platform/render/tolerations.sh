#!/usr/bin/env bash
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat > "$tmp/all.yaml"
cat > "$tmp/kustomization.yaml" <<EOF
resources: [all.yaml]
patches:
- target: {kind: Deployment}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: any}
    spec:
      template:
        spec:
          tolerations: [{key: pool, operator: Exists}]
EOF
kubectl kustomize "$tmp"
