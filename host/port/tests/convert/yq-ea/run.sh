#!/usr/bin/env bash
exec yq eval-all 'select(.kind == "CustomResourceDefinition")' -
