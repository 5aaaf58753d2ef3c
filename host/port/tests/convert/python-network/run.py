import sys, yaml, urllib.request
docs = list(yaml.safe_load_all(sys.stdin))
digest = urllib.request.urlopen("https://registry.example/x").read()
for d in docs:
    d["metadata"]["annotations"]["digest"] = digest
yaml.dump_all(docs, sys.stdout)
