#!/bin/bash
yq 'select(.kind != "Secret")' | exec vault-sub
