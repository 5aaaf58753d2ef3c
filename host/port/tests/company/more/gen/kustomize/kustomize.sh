#!/bin/bash
KUSTOMIZE_DIR=${1:-$GENESTACK_KUSTOMIZE_ARG}
pushd "$(dirname "$0")/${KUSTOMIZE_DIR}" &>/dev/null
    cat <&0 > all.yaml
    kubectl kustomize .
    rm all.yaml
popd &>/dev/null
