#!/usr/bin/env bash
yq '(select(.kind == "Deployment") | .spec.template.spec.containers[] | .imagePullPolicy) = "Always"'
