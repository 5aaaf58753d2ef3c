#!/bin/sh
sed -e 's#image: docker.io/#image: mirror.corp.example/#' -e 's#image: quay.io/#image: mirror.corp.example/quay/#'
