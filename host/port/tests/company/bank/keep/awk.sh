#!/bin/sh
awk 'BEGIN { RS="---\n"; ORS="---\n" } !/kind: NetworkPolicy/'
