#!/bin/sh
exec yq eval 'select(.kind != "CustomResourceDefinition")' -
