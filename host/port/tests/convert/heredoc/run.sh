#!/bin/sh
tmp=$(mktemp -d)
cat <&0 > $tmp/all.yaml
cat > $tmp/kustomization.yaml <<EOF
resources:
- all.yaml
images:
- name: web
  newTag: ${TAG}
EOF
kubectl kustomize $tmp
rm -rf $tmp
