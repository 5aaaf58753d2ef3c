#!/bin/sh
cat
cat <<EOF
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: extra
EOF
