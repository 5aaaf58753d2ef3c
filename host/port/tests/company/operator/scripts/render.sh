#!/bin/bash
set -euo pipefail
my-own-tool --in-place | other-tool
