#!/usr/bin/env python3
import sys
import requests
import yaml

for doc in yaml.safe_load_all(sys.stdin):
    for c in doc["spec"]["template"]["spec"]["containers"]:
        c["image"] = requests.get("https://registry.bank.example/v2/" + c["image"]).headers["digest"]
