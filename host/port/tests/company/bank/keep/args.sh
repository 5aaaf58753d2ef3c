#!/bin/bash
yq '(select(.kind == "Deployment") | .spec.template.spec.containers[0].args) += ["--verbose"]'
