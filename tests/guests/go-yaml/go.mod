module windlass.dev/tests/guests/go-yaml

go 1.25

require (
	github.com/extism/go-pdk v1.1.3
	gopkg.in/yaml.v3 v3.0.1
)
