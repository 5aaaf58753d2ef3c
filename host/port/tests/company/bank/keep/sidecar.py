#!/usr/bin/env python3
import sys, yaml
docs = list(yaml.safe_load_all(sys.stdin))
for d in docs:
    if d["kind"] in ("Deployment", "StatefulSet"):
        d["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "proxy:1"})
yaml.dump_all(docs, sys.stdout)
