// Command yaml-oracle reads manifests with the parser that Helm and Kubernetes use (sigs.k8s.io/yaml: YAML 1.1 typing, the
// last of two equal keys wins). It shares no code with Windlass: tests and fuzzing compare what a plugin made of a stream,
// and what our reader sees in it, with what this parser sees.
//
//	yaml-oracle <stream >documents.jsonl
//	yaml-oracle serve <requests >answers
//
// The first form prints one JSON value per document that is not empty. The second one answers one request after another
// until its input ends; a request is a document's length in bytes on a line, then its bytes. An answer is one line: the
// document as JSON by sigs.k8s.io/yaml (its parser is go-yaml v2), a tab, and its nodes by go-yaml v3, which Helm 4 has
// through kyaml, as JSON of the form [tag, text] for a scalar, {"m": [key, value, ...]} for a map, {"l": [...]} for a list,
// {"a": name} for an alias; in place of either of the two stands ! and the error where it refuses the document.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// boundary is where a stream is cut into documents, as Helm 4 cuts it.
var boundary = regexp.MustCompile(`(?m)^---(?:[ \t\r]|$)`)

func main() {
	act := run
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		act = serve
	}
	if err := act(); err != nil {
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

func serve() error {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF {
			return out.Flush()
		} else if err != nil {
			return err
		}
		length, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return err
		}
		document := make([]byte, length)
		if _, err := io.ReadFull(in, document); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%s\n", answer(asJSON, document), answer(asNodes, document))
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// answer is what a reader made of a document, on one line. A panic is a refusal: Helm would not survive it either.
func answer(read func([]byte) ([]byte, error), document []byte) (line string) {
	defer func() {
		if problem := recover(); problem != nil {
			line = oneLine(fmt.Sprint("!panic: ", problem))
		}
	}()
	value, err := read(document)
	if err != nil {
		return oneLine("!" + err.Error())
	}
	return string(value)
}

func oneLine(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
}

func asJSON(document []byte) ([]byte, error) {
	return yaml.YAMLToJSON(document)
}

func asNodes(document []byte) ([]byte, error) {
	var node yaml3.Node
	if err := yaml3.NewDecoder(bytes.NewReader(document)).Decode(&node); err == io.EOF {
		return []byte("null"), nil
	} else if err != nil {
		return nil, err
	}
	return json.Marshal(tree(&node))
}

func tree(node *yaml3.Node) any {
	children := []any{}
	if node.Kind != yaml3.AliasNode {
		for _, child := range node.Content {
			children = append(children, tree(child))
		}
	}
	switch node.Kind {
	case yaml3.DocumentNode:
		return children[0]
	case yaml3.MappingNode:
		return map[string]any{"m": children}
	case yaml3.SequenceNode:
		return map[string]any{"l": children}
	case yaml3.AliasNode:
		return map[string]any{"a": node.Value}
	default:
		tag := node.Tag
		if node.Style&yaml3.TaggedStyle == 0 {
			tag = ""
			if node.Style&(yaml3.DoubleQuotedStyle|yaml3.SingleQuotedStyle|yaml3.LiteralStyle|yaml3.FoldedStyle) == 0 {
				tag = "plain"
			}
		}
		return []string{tag, node.Value}
	}
}
