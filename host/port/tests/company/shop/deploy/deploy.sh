#!/usr/bin/env bash
# helm upgrade shop ./chart --post-renderer ./never.sh
set -euo pipefail
usage() {
  cat <<EOF
usage: deploy.sh [--post-renderer PATH]
  helm upgrade --post-renderer ./x.sh is what it runs
EOF
}
DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
echo "running helm upgrade --post-renderer $DIR/kustomize.sh"
helm upgrade --install shop ./chart \
  --namespace shop \
  --post-renderer "$DIR/kustomize.sh" \
  --wait
helm template shop ./chart --post-renderer=./add-team.py
if [[ "$*" == *--post-renderer* ]]; then
  die "--post-renderer is not for you"
fi
