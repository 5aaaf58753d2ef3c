#!/usr/bin/env bash
# Passes its first argument on.
set -e
helm upgrade --install shop ./chart --post-renderer "$1"
