#!/usr/bin/env python3
import sys, yaml
docs = list(yaml.safe_load_all(sys.stdin))
changed = 0
for d in docs:
    if d and d["kind"] == "Deployment":
        d["spec"]["replicas"] = 2
        changed += 1
if changed != 1:
    sys.exit("expected one Deployment")
yaml.safe_dump_all(docs, sys.stdout)
