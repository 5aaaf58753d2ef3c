// A post-renderer as people have them: it knows nothing of plugins. It labels every object with what it is told, and reads
// defaults from a file where there is one.
package main

import (
	"fmt"
	"io"
	"os"

	"gopkg.in/yaml.v3"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "labels:", err)
		os.Exit(3)
	}
}

func run() error {
	label := os.Getenv("TEAM")
	if len(os.Args) > 1 {
		label = os.Args[len(os.Args)-1]
	}
	if label == "file" {
		content, err := os.ReadFile("/data/team")
		if err != nil {
			return err
		}
		label = string(content)
	}
	decoder := yaml.NewDecoder(os.Stdin)
	encoder := yaml.NewEncoder(os.Stdout)
	encoder.SetIndent(2)
	defer encoder.Close()
	for {
		var object map[string]any
		if err := decoder.Decode(&object); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if object == nil {
			continue
		}
		metadata, ok := object["metadata"].(map[string]any)
		if !ok {
			metadata = map[string]any{}
			object["metadata"] = metadata
		}
		metadata["team"] = label
		if err := encoder.Encode(object); err != nil {
			return err
		}
	}
}
