#!/bin/sh
set -e
helm template "$ARGOCD_APP_NAME" . | sed 's/@@ENV@@/prod/'
