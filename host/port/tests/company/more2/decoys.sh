#!/bin/sh
# helm upgrade web ./chart --post-renderer ./old.sh
echo "use helm --post-renderer ./x.sh"
grep -r -- '--post-renderer' docs
quarto render --post-render ./site.sh
cat <<EOF
helm upgrade web ./chart --post-renderer ./from-the-docs.sh
EOF
case "$1" in *--post-renderer*) echo "not allowed" >&2; exit 1 ;; esac
