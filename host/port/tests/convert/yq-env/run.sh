#!/bin/sh
TEAM="${TEAM:-core}"
export TEAM
yq '.metadata.labels.team = strenv(TEAM) | (select(.kind == "Deployment") | .spec.template.metadata.labels.team) = strenv(TEAM)' -
