#!/bin/sh
yq eval 'select(.kind == "Job" or .kind == "CronJob" | not)' -
