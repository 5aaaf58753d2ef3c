#!/bin/sh
# The site generator's post-render step.
cp -r _site public
