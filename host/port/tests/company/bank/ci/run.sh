#!/bin/sh
POST=./scripts/images.sh ./scripts/release.sh
