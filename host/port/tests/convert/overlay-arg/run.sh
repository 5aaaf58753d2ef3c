#!/bin/bash
set -eo pipefail
ENV=${1:-dev}
cd "$(dirname "${BASH_SOURCE[0]}")"
cat > base/all.yaml
kustomize build "overlays/$ENV"
rm -f base/all.yaml
