#!/usr/bin/env bash
set -euo pipefail
EXTRA="--post-renderer ./images.sh --wait"
helm upgrade a ./a $EXTRA
declare -A RENDERERS=(
  [dev]=./images.sh
  [prod]=./digest.py
)
helm upgrade b ./b --post-renderer "${RENDERERS[$STAGE]}"
case "$STAGE" in
  --post-renderer) shift ;;
  dev) chosen=./images.sh ;;
  *) chosen="./annotate.sh" ;;
esac
helm upgrade c ./c --post-renderer "$chosen"
deploy() {
  local r="${1:-./annotate.sh}"
  helm upgrade "$2" ./d --post-renderer="$r"
}
deploy
set -- "$@" --post-renderer ./images.sh
helm upgrade e ./e "$@"
ssh host bash <<'EOF'
  helm upgrade f ./f \
    --post-renderer ./images.sh
EOF
find charts -name Chart.yaml | while read -r chart; do
  helm template "$(dirname "$chart")" --post-renderer ./images.sh
done
cat > README.md <<EOF
Run helm upgrade --post-renderer ./x.sh
EOF
git commit -m "helm upgrade --post-renderer ./x.sh"
grep -rn -- "--post-renderer" .
log_info "helm upgrade --post-renderer ./x.sh"
HELP_TEXT="helm upgrade --post-renderer ./x.sh"
helm upgrade g ./g ${RENDERER:+--post-renderer "$RENDERER"}
docker run --rm alpine/helm upgrade h ./h --post-renderer /srv/images.sh
sudo -E helm3 upgrade i ./i --post-renderer $(command -v windlass)
helm upgrade j ./j --post-renderer windlass
helm upgrade k ./k --post-renderer team-labels
if [ "${1:-}" = --check ]; then
  echo "--post-renderer is checked"
fi
