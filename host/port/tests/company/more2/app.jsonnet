{
  kind: 'Application',
  release(name):: {
    command: ['helm', 'upgrade', '--install', name, './chart', '--post-renderer', './more2/scripts/images.sh'],
  },
}
