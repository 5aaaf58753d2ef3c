#!/bin/sh
exec python3 "$(dirname "$0")/edit.py"
