# exec { 'helm upgrade --post-renderer ./commented.sh': }
exec { 'deploy':
  command => 'helm upgrade --install a ./a --post-renderer /opt/render/gone.sh',
}
