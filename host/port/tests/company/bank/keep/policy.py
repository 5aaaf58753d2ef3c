#!/usr/bin/env python3
import sys, yaml
text = sys.stdin.read()
for doc in yaml.safe_load_all(text):
    if doc["kind"] == "Pod" and doc["spec"].get("hostNetwork"):
        print("policy violation: hostNetwork is not allowed", file=sys.stderr)
        sys.exit(1)
sys.stdout.write(text)
