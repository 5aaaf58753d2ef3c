#!/bin/sh
envsubst '$DOMAIN $TEAM'
