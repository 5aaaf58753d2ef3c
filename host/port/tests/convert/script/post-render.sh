#!/usr/bin/env bash
set -euo pipefail
# Save what helm gives, then build.
DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
env="${1:-prod}"
cat > "$DIR/overlays/$env/rendered-by-helm.yaml"
trap 'rm -f "$DIR/overlays/$env/rendered-by-helm.yaml"' EXIT
kustomize build "$DIR/overlays/$env" | yq 'select(.kind != "Secret")'
