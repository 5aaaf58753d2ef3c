#!/usr/bin/env bash
set -e
RENDERER="${RENDERER:-./drop-crds.sh}"
ARGS=(--namespace shop --create-namespace)
ARGS+=(--post-renderer ./images.sh)
helm upgrade --install a ./chart "${ARGS[@]}"
helm upgrade --install b ./chart --post-renderer "$RENDERER"
install() {
  local renderer="$1"
  helm upgrade --install c ./chart --post-renderer "$renderer"
}
install ./drop-crds.sh
for renderer in ./images.sh ./inject.rb; do
  helm template d ./chart --post-renderer "$renderer" > /dev/null
done
declare -n ref=RENDERER
helm template e ./chart --post-renderer "$ref"
eval "helm upgrade f ./chart --post-renderer ./noop.sh"
bash -c 'helm upgrade g ./chart --post-renderer ./noop.sh'
ssh deployer@host "cd /srv && helm upgrade h ./chart --post-renderer ./noop.sh"
microk8s helm3 upgrade i ./chart --post-renderer ./noop.sh
ls charts | xargs -I{} helm upgrade {} charts/{} --post-renderer ./noop.sh
helm diff upgrade j ./chart --post-renderer ./noop.sh
ct install --helm-extra-args "--post-renderer ./noop.sh"
helm upgrade k ./chart --post-renderer ./gone.sh
helm upgrade l ./chart --post-renderer ./gone.sh --post-renderer ./noop.sh
helm upgrade m ./chart --post-renderer bash --post-renderer-args -c --post-renderer-args "yq 'select(.kind != \"Secret\")'"
helm upgrade n ./chart --post-renderer yq --post-renderer-args '.metadata.labels.team = "x"'
