#!/usr/bin/env bash
sed 's|image: docker.io|image: mirror.bank.example|'
