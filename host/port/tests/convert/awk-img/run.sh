#!/bin/sh
awk '/^ *(- )?image:/ {sub("quay.io/", "mirror.example/quay/")} {print}'
