module example.com/{{project-name}}

go 1.24

require github.com/windlass-dev/windlass/pdk/go v0.1.0

require go.yaml.in/yaml/v3 v3.0.4 // indirect
{{windlass_go}}
