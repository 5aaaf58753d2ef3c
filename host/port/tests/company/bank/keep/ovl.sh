#!/bin/bash
set -e
dir="$(dirname "$0")/$1"
cat > "$dir/helm.yaml"
trap 'rm -f "$dir/helm.yaml"' EXIT
kubectl kustomize "$dir"
