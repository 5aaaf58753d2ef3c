#!/usr/bin/env bash
./wrapper.sh ./images.sh
