#!/bin/bash
yq ea 'select(.kind != "CustomResourceDefinition")' -
