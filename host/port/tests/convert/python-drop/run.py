#!/usr/bin/env python3
import sys
import yaml
keep = []
for d in yaml.safe_load_all(sys.stdin):
    if d is None or d.get("kind") in ("Secret", "NetworkPolicy"):
        continue
    keep.append(d)
yaml.dump_all(keep, sys.stdout)
