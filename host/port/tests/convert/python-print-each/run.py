#!/usr/bin/env python3
"""Adds a node selector and an env variable."""
import os
import sys
import yaml

ZONE = os.environ.get("ZONE", "a")
WORKLOADS = {"Deployment", "StatefulSet"}

for manifest in yaml.safe_load_all(sys.stdin):
    if not manifest:
        continue
    kind = manifest.get("kind", "")
    if kind in WORKLOADS:
        spec = manifest["spec"]["template"]["spec"]
        spec.setdefault("nodeSelector", {})["zone"] = ZONE
        for container in spec.get("containers", []) + spec.get("initContainers", []):
            env = container.setdefault("env", [])
            env.append({"name": "ZONE", "value": ZONE})
    elif kind == "Service":
        manifest["metadata"].setdefault("annotations", {}).update({"example.com/zone": ZONE})
    print("---")
    print(yaml.safe_dump(manifest, default_flow_style=False))
