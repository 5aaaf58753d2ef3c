// Reads a stream of manifests and prints it again, with one of the YAML libraries that Go post-renderers use: `v3`
// (gopkg.in/yaml.v3 into values), `v3-nodes` (the same, into its nodes), `sigs` (sigs.k8s.io/yaml) or `kyaml`. Nothing is
// meant to change.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	v3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/kustomize/kyaml/kio"
	sigs "sigs.k8s.io/yaml"
)

func main() {
	library := "v3"
	if len(os.Args) > 1 {
		library = os.Args[1]
	}
	if err := reprint(library); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func reprint(library string) error {
	stream, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if library == "kyaml" {
		return kio.Pipeline{
			Inputs:  []kio.Reader{&kio.ByteReader{Reader: bytes.NewReader(stream), OmitReaderAnnotations: true}},
			Outputs: []kio.Writer{kio.ByteWriter{Writer: os.Stdout}},
		}.Execute()
	}
	encoder := v3.NewEncoder(os.Stdout)
	decoder := v3.NewDecoder(bytes.NewReader(stream))
	for {
		var node v3.Node
		var value any
		target := any(&value)
		if library != "v3" {
			target = &node
		}
		err := decoder.Decode(target)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch library {
		case "v3":
			if value != nil {
				err = encoder.Encode(value)
			}
		case "v3-nodes":
			err = encoder.Encode(&node)
		case "sigs":
			var document []byte
			if document, err = v3.Marshal(&node); err == nil {
				var object any
				if err = sigs.Unmarshal(document, &object); err == nil && object != nil {
					document, err = sigs.Marshal(object)
					fmt.Printf("---\n%s", document)
				}
			}
		default:
			return fmt.Errorf("no library is called %s", library)
		}
		if err != nil {
			return err
		}
	}
}
