#!/usr/bin/env bash
set -euo pipefail
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
cat > "$tmp"
yq -i '(select(.kind == "Service") | .metadata.annotations."a.b/c") = "x"' "$tmp"
cat "$tmp"
