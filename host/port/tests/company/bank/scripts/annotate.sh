#!/usr/bin/env bash
set -euo pipefail
yq 'with(select(.kind == "Deployment"); .metadata.annotations.owner = "bank")' -
