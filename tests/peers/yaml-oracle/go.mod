module windlass.dev/tests/yaml-oracle

go 1.26.0

// The versions that Helm 4.3.2 pins: what the oracle reads is what Helm reads.
require (
	go.yaml.in/yaml/v3 v3.0.5
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
