#!/usr/bin/env bash
yq 'del(select(.kind == "Deployment") | .spec.template.spec.securityContext)'
