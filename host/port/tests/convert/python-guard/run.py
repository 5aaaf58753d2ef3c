import sys, yaml
changed = 0
out = []
for doc in yaml.safe_load_all(sys.stdin):
    if doc is None:
        continue
    if doc["kind"] == "Deployment" and doc["metadata"]["name"] == "rel-argocd-server":
        doc["spec"]["replicas"] = 5
        changed += 1
    out.append(doc)
if changed != 1:
    sys.exit("expected one server")
yaml.safe_dump_all(out, sys.stdout)
