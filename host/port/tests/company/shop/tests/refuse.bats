@test "the flag is refused" {
  run ./deploy.sh helm upgrade x --post-renderer ./evil.sh
  [ "$status" -ne 0 ]
}
