module windlass.dev/tests/guests/go-json

go 1.25

require github.com/extism/go-pdk v1.1.3
