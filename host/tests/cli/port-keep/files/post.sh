#!/bin/sh
cat - "${0%/*}/more.yaml"
