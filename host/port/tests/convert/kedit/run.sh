#!/bin/bash
set -e
cd $(dirname $0)/k
cat > all.yaml
kustomize edit set image nginx=mirror.example/nginx:1.2
kustomize build .
