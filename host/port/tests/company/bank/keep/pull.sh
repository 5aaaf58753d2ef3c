#!/bin/bash
yq '(select(.kind == "Deployment") | .spec.template.spec.imagePullSecrets) = [{"name": "regcred"}]'
