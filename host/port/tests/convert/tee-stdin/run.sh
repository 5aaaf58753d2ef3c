#!/usr/bin/env bash
set -o pipefail
input="$(cat)"
printf '%s\n' "$input" | yq eval '(select(.kind == "Ingress") | .spec.ingressClassName) = "public"' - | sed -E 's#(image: )"?quay.io/#\1mirror.example/quay/#'
