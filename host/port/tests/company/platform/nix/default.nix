{ pkgs, ... }:
let
  renderer = pkgs.writeShellScript "renderer" ''
    ${pkgs.yq-go}/bin/yq 'select(.kind != "Job")'
  '';
in
pkgs.writeShellScriptBin "deploy" ''
  # helm upgrade --post-renderer ./commented.sh
  helm upgrade --install a ./a --post-renderer ${renderer}
  helm upgrade --install b ./b --post-renderer ${../render/tolerations.sh}
''
