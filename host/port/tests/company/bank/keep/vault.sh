#!/bin/bash
set -euo pipefail
token=$(vault kv get -field=token secret/bank)
sed "s/@@TOKEN@@/$token/"
