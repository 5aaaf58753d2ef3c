// {{project-name}} is a post-renderer for Helm: it annotates objects, and warns of Deployments with a single replica.
package main

import (
	"errors"

	windlass "github.com/windlass-dev/windlass/pdk/go"
)

// Settings are the configuration. Their tags become the schema in metadata.json, by `WINDLASS_BLESS=1 go test`.
type Settings struct {
	Annotations map[string]string `yaml:"annotations" doc:"Annotations to set on every object." required:"true"`
	Replicas    int               `yaml:"replicas" doc:"Give Deployments that many replicas; 0 leaves them as they are."`
}

// Validate is called once the settings are read.
func (s *Settings) Validate() error {
	if s.Replicas < 0 {
		return errors.New("replicas: is at least 0")
	}
	return nil
}

// deployment has the fields that matter here. Kubernetes' own type, appsv1.Deployment, works as well.
type deployment struct {
	Spec struct {
		Replicas *int `json:"replicas,omitempty"`
	} `json:"spec"`
}

func main() { windlass.Main(render) }

func render(stream *windlass.Stream) error {
	var settings Settings
	if err := stream.Config(&settings); err != nil {
		return err
	}
	for _, object := range stream.Objects() {
		for key, value := range settings.Annotations {
			if err := object.Set(value, "metadata", "annotations", key); err != nil {
				return err
			}
		}
		if object.Kind() == "Deployment" {
			if err := scale(stream, object, settings.Replicas); err != nil {
				return err
			}
		}
	}
	return nil
}

func scale(stream *windlass.Stream, object *windlass.Object, replicas int) error {
	var typed deployment
	return object.Edit(&typed, func() error {
		if replicas > 0 {
			typed.Spec.Replicas = &replicas
		}
		if typed.Spec.Replicas == nil || *typed.Spec.Replicas == 1 {
			stream.Warn(object, windlass.Path("spec", "replicas"), "one replica is none when its node is drained")
		}
		return nil
	})
}
