#!/bin/bash
. ./lib.sh
yq 'select(.kind != "Secret")'
