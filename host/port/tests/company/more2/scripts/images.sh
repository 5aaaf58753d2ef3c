#!/bin/sh
sed 's|image: docker.io/|image: mirror.example/hub/|'
