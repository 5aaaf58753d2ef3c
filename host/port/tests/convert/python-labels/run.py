#!/usr/bin/env python3
import sys
import yaml

docs = list(yaml.safe_load_all(sys.stdin))
for doc in docs:
    if doc is None:
        continue
    doc.setdefault("metadata", {}).setdefault("labels", {})["team"] = "payments"
yaml.safe_dump_all([d for d in docs if d], sys.stdout, sort_keys=False)
