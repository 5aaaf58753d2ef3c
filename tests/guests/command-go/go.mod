module windlass.dev/tests/guests/command-go

go 1.25

require gopkg.in/yaml.v3 v3.0.1
