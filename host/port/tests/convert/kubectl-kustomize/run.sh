#!/bin/bash
dir="$(dirname "$0")"
cat > "$dir/all.yaml"
kubectl kustomize "$dir"
rm "$dir/all.yaml"
