#!/bin/bash
cat - extra.yaml
