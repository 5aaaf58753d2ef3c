#!/usr/bin/env bash
: "${POST:?}"
helm upgrade a ./a --post-renderer "$POST"
