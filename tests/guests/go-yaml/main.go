// A plugin by Go's own toolchain with the YAML library that most Go programs use: it gives every object a label. Built as
// it is for a reactor; its entry ends the program by os.Exit(0) once it has answered, as ported programs do.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/extism/go-pdk"
	"gopkg.in/yaml.v3"
)

//go:wasmexport helm_plugin_main
func helmPluginMain() int32 {
	var in struct {
		Manifests string `json:"manifests"`
	}
	if err := json.Unmarshal(pdk.Input(), &in); err != nil {
		return fail(err)
	}
	stream, err := label(in.Manifests)
	if err != nil {
		return fail(err)
	}
	out, err := json.Marshal(map[string]string{"manifests": stream})
	if err != nil {
		return fail(err)
	}
	pdk.Output(out)
	os.Exit(0)
	return 1
}

func fail(err error) int32 {
	pdk.SetError(err)
	return 1
}

func label(stream string) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	decoder := yaml.NewDecoder(strings.NewReader(stream))
	for {
		var object map[string]any
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return out.String(), encoder.Close()
		} else if err != nil {
			return "", err
		}
		if object == nil {
			continue
		}
		metadata, _ := object["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
			object["metadata"] = metadata
		}
		labels, _ := metadata["labels"].(map[string]any)
		if labels == nil {
			labels = map[string]any{}
			metadata["labels"] = labels
		}
		labels["seen-by"] = "go"
		if err := encoder.Encode(object); err != nil {
			return "", err
		}
	}
}

func main() {}
