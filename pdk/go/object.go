package windlass

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is one object of the stream: a document, or an item of a List. A path into it is keys and, for lists, indices:
//
//	object.Set(2, "spec", "replicas")
//	object.Text("spec", "template", "spec", "containers", 0, "image")
type Object struct {
	document *document
	node     *yaml.Node
	// list holds it, where it is an item.
	list *yaml.Node
}

// Node is the object as yaml.v3 reads it; what is changed there changes the stream.
func (o *Object) Node() *yaml.Node { return o.node }

// APIVersion is `apiVersion`.
func (o *Object) APIVersion() string { return text(o.node, "apiVersion") }

// Kind is `kind`.
func (o *Object) Kind() string { return text(o.node, "kind") }

// Name is `metadata.name`, or what `metadata.generateName` says with a `*` behind it.
func (o *Object) Name() string {
	metadata := value(o.node, "metadata")
	if name := text(metadata, "name"); name != "" {
		return name
	}
	if generated := text(metadata, "generateName"); generated != "" {
		return generated + "*"
	}
	return ""
}

// Namespace is `metadata.namespace`; empty where the release's is meant, or the kind has none.
func (o *Object) Namespace() string { return text(value(o.node, "metadata"), "namespace") }

// Label is a label of the object's.
func (o *Object) Label(key string) string { return o.Text("metadata", "labels", key) }

// Annotation is an annotation of the object's.
func (o *Object) Annotation(key string) string { return o.Text("metadata", "annotations", key) }

// filename is where Helm 4 keeps the name of the chart's file while post-renderers run.
const filename = "postrenderer.helm.sh/postrender-filename"

// source is the comment by which `helm template` names the chart's file.
var source = []byte("# Source: ")

// File is the chart's file that the object comes from, as far as Helm says it; else empty.
func (o *Object) File() string {
	if file := text(value(value(o.document.root.Content[0], "metadata"), "annotations"), filename); file != "" {
		return file
	}
	for line := range bytes.Lines(o.document.text) {
		if file, has := bytes.CutPrefix(line, source); has {
			return string(bytes.TrimSpace(file))
		}
	}
	return ""
}

// Line is the number of the object's first line in the stream; 0 for one that was added.
func (o *Object) Line() int { return o.lineOf(o.node) }

func (o *Object) lineOf(node *yaml.Node) int {
	if node == nil || node.Line == 0 || len(o.document.text) == 0 {
		return 0
	}
	return o.document.line + node.Line - 1
}

// String names the object for a person: `Deployment/web (shop/templates/web.yaml, line 3)`.
func (o *Object) String() string { return o.named(o.node) }

func (o *Object) named(node *yaml.Node) string {
	var places []string
	if file := o.File(); file != "" {
		places = append(places, file)
	}
	if line := o.lineOf(node); line > 0 {
		places = append(places, fmt.Sprintf("line %d", line))
	}
	name := o.Kind() + "/" + o.Name()
	if namespace := o.Namespace(); namespace != "" {
		name += " in " + namespace
	}
	if len(places) == 0 {
		return name
	}
	return name + " (" + strings.Join(places, ", ") + ")"
}

// Errorf makes an error that names the object.
func (o *Object) Errorf(format string, values ...any) error {
	return fmt.Errorf("%s: %w", o, fmt.Errorf(format, values...))
}

// Get is the value at a path, nil where there is none. Aliases and merges are looked through. To change it, use
// [Object.Set].
func (o *Object) Get(path ...any) *yaml.Node {
	node := o.node
	for _, step := range path {
		switch at := step.(type) {
		case string:
			node = value(node, at)
		case int:
			if node = target(node); node == nil || node.Kind != yaml.SequenceNode || at < 0 || at >= len(node.Content) {
				return nil
			}
			node = target(node.Content[at])
		default:
			return nil
		}
		if node == nil {
			return nil
		}
	}
	return target(node)
}

// Text is the text at a path as it is written; empty where there is none.
func (o *Object) Text(path ...any) string {
	if node := o.Get(path...); node != nil && node.Kind == yaml.ScalarNode && !isNull(node) {
		return node.Value
	}
	return ""
}

// Set puts a value at a path; maps on the way are made. A list takes an index that it has, or the next one. The value is
// anything that encoding/json writes, or a [yaml.Node]. Nothing changes where the value is there already.
func (o *Object) Set(to any, path ...any) error {
	node, err := nodeOf(to)
	if err == nil {
		err = o.set(node, path)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", o, pathText(path), err)
	}
	return nil
}

func (o *Object) set(node *yaml.Node, path []any) error {
	if len(path) == 0 {
		return errors.New("a path has at least one step")
	}
	if there := o.Get(path...); there != nil {
		if before, err := plain(there); err == nil {
			if after, err := plain(node); err == nil && equal(before, after) {
				return nil
			}
		}
	}
	place := &o.node
	for index, step := range path {
		next, err := stepInto(own(place), step, index+1 < len(path) && isIndex(path[index+1]))
		if err != nil {
			return fmt.Errorf("at %s: %w", pathText(path[:index+1]), err)
		}
		place = next
	}
	node.HeadComment, node.LineComment, node.FootComment = (*place).HeadComment, (*place).LineComment, (*place).FootComment
	*place = node
	return nil
}

func isIndex(step any) bool {
	_, is := step.(int)
	return is
}

// stepInto is the place one step on, made where it is missing.
func stepInto(node *yaml.Node, step any, listFollows bool) (**yaml.Node, error) {
	fresh := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if listFollows {
		fresh = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	}
	var place **yaml.Node
	switch at := step.(type) {
	case string:
		if node.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("expected a map, found %s", kindOf(node))
		}
		if place = entry(node, at); place == nil {
			if merged := value(node, at); merged != nil {
				fresh = copyOf(merged)
				fresh.Anchor = ""
			}
			key := &yaml.Node{}
			if err := key.Encode(at); err != nil {
				return nil, err
			}
			node.Content = append(node.Content, key, fresh)
			place = &node.Content[len(node.Content)-1]
		}
	case int:
		if node.Kind != yaml.SequenceNode {
			return nil, fmt.Errorf("expected a list, found %s", kindOf(node))
		}
		if at < 0 || at > len(node.Content) {
			return nil, fmt.Errorf("the list has %d items", len(node.Content))
		}
		if at == len(node.Content) {
			node.Content = append(node.Content, fresh)
		}
		place = &node.Content[at]
	default:
		return nil, fmt.Errorf("a step is a key or an index, not %v", step)
	}
	if isNull(*place) {
		fresh.LineComment = (*place).LineComment
		*place = fresh
	}
	return place, nil
}

// Delete takes away what is at a path, and tells whether there was anything.
func (o *Object) Delete(path ...any) bool {
	if len(path) == 0 || o.Get(path...) == nil {
		return false
	}
	place := &o.node
	for index, step := range path[:len(path)-1] {
		next, err := stepInto(own(place), step, isIndex(path[index+1]))
		if err != nil {
			return false
		}
		place = next
	}
	node := own(place)
	switch last := path[len(path)-1].(type) {
	case string:
		return remove(node, last)
	case int:
		node.Content = append(node.Content[:last], node.Content[last+1:]...)
	}
	return true
}

// Remove takes the object out of the stream.
func (o *Object) Remove() {
	if o.list == nil {
		o.document.removed = true
		return
	}
	for index, item := range o.list.Content {
		if item == o.node {
			o.list.Content = append(o.list.Content[:index], o.list.Content[index+1:]...)
			return
		}
	}
}

// Decode reads the object into anything that encoding/json reads into, such as Kubernetes' own types (`appsv1.Deployment`) or
// a struct with the few fields that matter. Values are those that Kubernetes reads: `on` is true.
func (o *Object) Decode(into any) error {
	read, err := plain(o.node)
	if err == nil {
		var written []byte
		if written, err = json.Marshal(read); err == nil {
			err = json.Unmarshal(written, into)
		}
	}
	if wrong := new(json.UnmarshalTypeError); errors.As(err, &wrong) && wrong.Field != "" {
		err = fmt.Errorf("%s: expected %s, found a %s", wrong.Field, wrong.Type, wrong.Value)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// Edit decodes the object, has it changed, and writes what change changed: nothing else, so that fields which the type does
// not know stay, and none appear that the type fills in.
//
//	var deployment appsv1.Deployment
//	err := object.Edit(&deployment, func() error {
//		deployment.Spec.Replicas = ptr.To[int32](3)
//		return nil
//	})
func (o *Object) Edit(into any, change func() error) error {
	if err := o.Decode(into); err != nil {
		return err
	}
	before, err := snapshot(into)
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	if err := change(); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	after, err := snapshot(into)
	if err == nil {
		err = merge(&o.node, before, after)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

func snapshot(of any) (any, error) {
	written, err := json.Marshal(of)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.UseNumber()
	var read any
	err = decoder.Decode(&read)
	return read, err
}

// pathText is a path as a person writes it: `spec.containers[0].image`.
func pathText(path []any) string {
	var text strings.Builder
	for index, step := range path {
		switch at := step.(type) {
		case int:
			fmt.Fprintf(&text, "[%d]", at)
		default:
			key := strings.ReplaceAll(fmt.Sprint(at), ".", `\.`)
			if index > 0 {
				text.WriteByte('.')
			}
			text.WriteString(key)
		}
	}
	return text.String()
}
