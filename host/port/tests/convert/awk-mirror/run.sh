#!/bin/sh
awk '{gsub("quay.io/", "mirror.example/quay/"); print}'
