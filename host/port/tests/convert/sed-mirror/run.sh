#!/bin/sh
sed -e 's#image: quay.io/#image: mirror.example/hub/#' -e 's#image: "quay.io/#image: "mirror.example/hub/#'
