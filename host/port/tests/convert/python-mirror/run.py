import sys
import yaml

MIRROR = "mirror.example"

def main():
    documents = list(yaml.safe_load_all(sys.stdin))
    for document in documents:
        if not isinstance(document, dict):
            continue
        template = document.get("spec", {}).get("template", {})
        pod = template.get("spec", {})
        for key in ("containers", "initContainers"):
            for container in pod.get(key, []):
                image = container["image"]
                if not image.startswith(MIRROR):
                    container["image"] = f"{MIRROR}/{image}"
    yaml.safe_dump_all([d for d in documents if d], sys.stdout)

main()
