#!/usr/bin/env python3
# Removes duplicate env entries: the last one wins.
import sys, yaml
out = []
for doc in yaml.safe_load_all(sys.stdin):
    for c in (doc or {}).get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
        seen = {}
        for e in c.get("env", []):
            seen[e["name"]] = e
        c["env"] = list(seen.values())
    out.append(doc)
yaml.safe_dump_all(out, sys.stdout)
