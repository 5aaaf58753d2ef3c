#!/bin/bash
CMD=(
    helm upgrade --install nova openstack/nova
    --post-renderer /etc/genestack/kustomize/kustomize.sh
    --post-renderer-args "nova/overlay"
)
"${CMD[@]}"
