#!/bin/bash
helm upgrade a ./a --post-renderer ./vault.sh
helm upgrade b ./b --post-renderer ./source.sh
helm upgrade c ./c --post-renderer ./self.sh
helm upgrade d ./d --post-renderer ./crds.sh
helm upgrade e ./e --post-renderer ./dedupe.py
helm upgrade f ./f --post-renderer ./checksum.py
helm upgrade g ./g --post-renderer ./policy.py
helm upgrade h ./h --post-renderer ./ns.sh
helm upgrade i ./i --post-renderer ./sidecar.py
helm upgrade j ./j --post-renderer ./drop.py
helm upgrade k ./k --post-renderer ./args.sh
helm upgrade l ./l --post-renderer ./ovl.sh --post-renderer-args overlays/prod
helm upgrade m ./m --post-renderer ./ovl.sh --post-renderer-args overlays/gone
helm upgrade n ./n --post-renderer ./hooks.py
helm upgrade o ./o --post-renderer ./subst.sh
helm upgrade p ./p --post-renderer ./exec.sh
helm upgrade q ./q --post-renderer ./kube.sh
helm upgrade r ./r --post-renderer ./awk.sh
helm upgrade s ./s --post-renderer ./pull.sh
