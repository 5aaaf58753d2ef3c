#!/bin/bash
replicas=$(kubectl get deploy app -o jsonpath='{.spec.replicas}')
yq ".spec.replicas = $replicas"
