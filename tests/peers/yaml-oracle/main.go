// Command yaml-oracle reads a stream of manifests with the parser that Helm and Kubernetes use (sigs.k8s.io/yaml: YAML
// 1.1 typing, the last of two equal keys wins) and prints one JSON value per document that is not empty. It shares no
// code with Windlass: tests compare what a plugin made of a stream with what this parser sees.
//
//	yaml-oracle <stream >documents.jsonl
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"

	"sigs.k8s.io/yaml"
)

// boundary is where a stream is cut into documents, as Helm 4 cuts it.
var boundary = regexp.MustCompile(`(?m)^---(?:[ \t\r]|$)`)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run() error {
	stream, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	stream = bytes.TrimPrefix(stream, []byte("\xef\xbb\xbf"))
	out := bufio.NewWriter(os.Stdout)
	for number, document := range boundary.Split(string(stream), -1) {
		value, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return fmt.Errorf("document %d: %w", number+1, err)
		}
		if string(value) == "null" {
			continue
		}
		out.Write(value)
		out.WriteByte('\n')
	}
	return out.Flush()
}
