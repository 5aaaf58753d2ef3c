#!/bin/sh
sed -e '/helm.sh\/chart/d'
