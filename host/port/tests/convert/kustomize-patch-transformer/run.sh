#!/bin/bash
set -euo pipefail
cd "$(dirname "$0")"
cat <&0 > all.yaml
kustomize build . && rm all.yaml
