#!/usr/bin/env python3
import sys, yaml

def main():
    out = []
    for obj in yaml.safe_load_all(sys.stdin.read()):
        if not obj:
            continue
        if obj["kind"] == "Deployment":
            obj["spec"]["revisionHistoryLimit"] = 2
            obj["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
        out.append(obj)
    print(yaml.dump_all(out))

if __name__ == "__main__":
    main()
