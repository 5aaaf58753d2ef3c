#!/bin/sh
sed -e 's#image: docker.io/#image: mirror.example/hub/#' -e '/^$/d'
