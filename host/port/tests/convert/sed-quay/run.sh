#!/usr/bin/env bash
sed -E 's|(image: *"?)quay\.io/|\1registry.internal/quay/|g'
