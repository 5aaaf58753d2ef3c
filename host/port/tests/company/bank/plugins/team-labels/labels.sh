#!/bin/sh
exec yq '.metadata.labels.team = "bank"'
