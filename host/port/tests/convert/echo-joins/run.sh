#!/bin/bash
yq 'select(.kind != "Secret")'
echo "---"
echo "kind: ConfigMap"
