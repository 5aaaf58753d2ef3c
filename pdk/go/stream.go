package windlass

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Stream is what Helm hands over: objects in documents.
type Stream struct {
	host      host
	arguments []string
	documents []*document
	findings  []finding
}

// document is a part of the stream, from its `---` to the next.
type document struct {
	// text is the document as it came; empty for one that was added.
	text []byte
	// line is the number of its first line in the stream.
	line int
	// root is what was read of it, nil where there is nothing but comments; before is a copy, to see what changed.
	root, before *yaml.Node
	removed      bool
}

func parse(input []byte) (*Stream, error) {
	stream := &Stream{}
	line := 1
	for _, text := range split(input) {
		one := &document{text: text, line: line}
		if err := one.read(); err != nil {
			return nil, &ConfigError{fmt.Sprintf("the stream cannot be read: %v", err)}
		}
		stream.documents = append(stream.documents, one)
		line += bytes.Count(text, []byte("\n"))
	}
	return stream, nil
}

// split cuts before each line that begins with `---` and ends there or goes on with a blank: no other line of YAML does.
func split(input []byte) (parts [][]byte) {
	start := 0
	for at := 0; at < len(input); {
		if at > start && isMarker(input[at:]) {
			parts = append(parts, input[start:at])
			start = at
		}
		end := bytes.IndexByte(input[at:], '\n')
		if end < 0 {
			break
		}
		at += end + 1
	}
	if start < len(input) {
		parts = append(parts, input[start:])
	}
	return parts
}

func isMarker(text []byte) bool {
	rest, has := bytes.CutPrefix(text, []byte("---"))
	return has && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

func (d *document) read() error {
	decoder := yaml.NewDecoder(bytes.NewReader(d.text))
	var root, more yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return fmt.Errorf("in the document that begins at line %d: %w", d.line, err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("in the document that begins at line %d: something follows `...`", d.line)
	}
	if isNull(root.Content[0]) {
		return nil
	}
	if top := root.Content[0]; top.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected an object, found %s", d.line+top.Line-1, kindOf(top))
	}
	d.root, d.before = &root, copyOf(&root)
	return nil
}

// Objects are all objects of the stream, those inside of a List included, in their order. Objects that were added are among
// them, those that were removed are not.
func (s *Stream) Objects() (objects []*Object) {
	for _, one := range s.documents {
		if one.root == nil || one.removed {
			continue
		}
		top := one.root.Content[0]
		items := target(value(top, "items"))
		if items == nil || items.Kind != yaml.SequenceNode || !strings.HasSuffix(text(top, "kind"), "List") {
			objects = append(objects, &Object{document: one, node: top})
			continue
		}
		for index := range items.Content {
			if own(&items.Content[index]).Kind == yaml.MappingNode {
				objects = append(objects, &Object{document: one, node: items.Content[index], list: items})
			}
		}
	}
	return objects
}

// Find is the first object of that kind and name, in any namespace; nil where there is none.
func (s *Stream) Find(kind, name string) *Object {
	for _, object := range s.Objects() {
		if object.Kind() == kind && object.Name() == name {
			return object
		}
	}
	return nil
}

// Add puts an object at the end of the stream: a text in YAML, a [yaml.Node], or anything that encoding/json writes, such as
// Kubernetes' own types.
func (s *Stream) Add(object any) error {
	node, err := nodeOf(object)
	if text, isText := object.(string); isText {
		node, err = ParseYAML(text)
	}
	if err != nil {
		return err
	}
	if node.Kind != yaml.MappingNode || text(node, "kind") == "" || text(node, "apiVersion") == "" {
		return errors.New("what is added to the stream is no object: it lacks `apiVersion` or `kind`")
	}
	if status := value(node, "status"); status != nil && status.Kind == yaml.MappingNode && len(status.Content) == 0 {
		remove(node, "status")
	}
	s.documents = append(s.documents, &document{root: &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{node}}})
	return nil
}

// Arguments are the extra arguments that are no `KEY=VALUE`.
func (s *Stream) Arguments() (others []string) {
	for _, argument := range s.arguments {
		if !strings.Contains(argument, "=") {
			others = append(others, argument)
		}
	}
	return others
}

func (s *Stream) print() ([]byte, error) {
	var output bytes.Buffer
	output.Grow(sizeOf(s.documents))
	for _, one := range s.documents {
		if one.removed {
			continue
		}
		text, err := one.print()
		if err != nil {
			return nil, err
		}
		if output.Len() > 0 && output.Bytes()[output.Len()-1] != '\n' {
			output.WriteByte('\n')
		}
		if output.Len() > 0 && !isMarker(text) {
			output.WriteString("---\n")
		}
		output.Write(text)
	}
	if len(bytes.TrimSpace(output.Bytes())) == 0 {
		// Helm takes a blank answer for a failure.
		return []byte("# empty\n"), nil
	}
	return output.Bytes(), nil
}

func sizeOf(documents []*document) (size int) {
	for _, one := range documents {
		size += len(one.text) + 64
	}
	return size
}

// print gives the text as it came, where nothing changed.
func (d *document) print() ([]byte, error) {
	if d.root == nil || d.before != nil && same(d.before, d.root) {
		return d.text, nil
	}
	var output bytes.Buffer
	if isMarker(d.text) {
		output.WriteString("---\n")
	}
	encoder := yaml.NewEncoder(&output)
	encoder.SetIndent(2)
	if err := encoder.Encode(d.root); err != nil {
		return nil, fmt.Errorf("the object cannot be printed: %w", err)
	}
	err := encoder.Close()
	return output.Bytes(), err
}
