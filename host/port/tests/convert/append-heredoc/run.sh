#!/bin/sh
cat
cat <<'EOF'
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: appended
data:
  a: "1"
EOF
