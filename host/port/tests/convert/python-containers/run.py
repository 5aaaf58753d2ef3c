#!/usr/bin/env python3
import sys
import yaml
docs = [d for d in yaml.safe_load_all(sys.stdin) if d]
for d in docs:
    if d["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
        for c in d["spec"]["template"]["spec"]["containers"]:
            c["imagePullPolicy"] = "Always"
            if c["image"].startswith("quay.io/"):
                c["image"] = c["image"].replace("quay.io/", "mirror.example/quay/")
yaml.dump_all(docs, sys.stdout)
