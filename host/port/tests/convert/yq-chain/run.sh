#!/bin/bash
set -e
yq 'select(.kind != "Secret")' - | yq '.metadata.labels.team = "payments"'
