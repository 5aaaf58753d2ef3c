// A plugin by Go's own toolchain and Extism's Go PDK, without a YAML library: it puts a comment in front of the stream.
package main

import (
	"encoding/json"
	"strings"

	"github.com/extism/go-pdk"
)

type input struct {
	Manifests string   `json:"manifests"`
	ExtraArgs []string `json:"extraArgs"`
}

type output struct {
	Manifests string `json:"manifests"`
}

//go:wasmexport helm_plugin_main
func helmPluginMain() int32 {
	var in input
	if err := json.Unmarshal(pdk.Input(), &in); err != nil {
		pdk.SetError(err)
		return 1
	}
	out, err := json.Marshal(output{"# seen by Go: " + strings.Join(in.ExtraArgs, " ") + "\n" + in.Manifests})
	if err != nil {
		pdk.SetError(err)
		return 1
	}
	pdk.Output(out)
	return 0
}

func main() {}
