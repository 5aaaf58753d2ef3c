import sys, yaml
docs = [d for d in yaml.safe_load_all(sys.stdin) if d]
for d in docs:
    del d["metadata"]["labels"]["helm.sh/chart"]
yaml.dump_all(docs, sys.stdout)
