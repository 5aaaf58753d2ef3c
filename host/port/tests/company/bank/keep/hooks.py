#!/usr/bin/env python3
import sys, yaml
docs = list(yaml.safe_load_all(sys.stdin))
for d in docs:
    a = d.get("metadata", {}).get("annotations", {})
    a.pop("helm.sh/hook", None)
yaml.dump_all(docs, sys.stdout)
