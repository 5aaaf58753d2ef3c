#!/usr/bin/env python3
import sys, yaml
docs = [d for d in yaml.safe_load_all(sys.stdin) if d and d["kind"] != "PodSecurityPolicy"]
yaml.dump_all(docs, sys.stdout)
