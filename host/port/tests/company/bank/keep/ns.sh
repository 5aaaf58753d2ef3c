#!/bin/sh
yq '.metadata.namespace = "bank"'
