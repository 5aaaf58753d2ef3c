package windlass

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// What an object may have with its aliases written out.
const (
	mostNodes = 4_000_000
	mostDepth = 1000
)

// target looks through an alias.
func target(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// own makes an alias a copy of what it stands for, so that a change of it changes nothing else.
func own(place **yaml.Node) *yaml.Node {
	if (*place).Kind == yaml.AliasNode {
		replaced := copyOf(target(*place))
		replaced.Anchor = ""
		replaced.LineComment = (*place).LineComment
		*place = replaced
	}
	return *place
}

func copyOf(node *yaml.Node) *yaml.Node {
	copied := *node
	copied.Content = make([]*yaml.Node, len(node.Content))
	for index, child := range node.Content {
		copied.Content[index] = copyOf(child)
	}
	return &copied
}

// same tells whether two trees print alike.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Style != b.Style || a.Tag != b.Tag || a.Value != b.Value || a.Anchor != b.Anchor ||
		a.HeadComment != b.HeadComment || a.LineComment != b.LineComment || a.FootComment != b.FootComment ||
		len(a.Content) != len(b.Content) {
		return false
	}
	for index := range a.Content {
		if !same(a.Content[index], b.Content[index]) {
			return false
		}
	}
	return true
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" }

// entry is the place of a key's value in a map; nil where there is none.
func entry(node *yaml.Node, key string) **yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	// The last one counts, as for Kubernetes.
	for index := len(node.Content) - 2; index >= 0; index -= 2 {
		if node.Content[index].Value == key && node.Content[index].Kind == yaml.ScalarNode {
			return &node.Content[index+1]
		}
	}
	return nil
}

// value is the value of a key, also one that is merged in by `<<`.
func value(node *yaml.Node, key string) *yaml.Node {
	node = target(node)
	if found := entry(node, key); found != nil {
		return target(*found)
	}
	for _, merged := range merges(node) {
		if found := value(merged, key); found != nil {
			return found
		}
	}
	return nil
}

func merges(node *yaml.Node) []*yaml.Node {
	place := entry(node, "<<")
	if place == nil {
		return nil
	}
	merged := target(*place)
	if merged.Kind == yaml.SequenceNode {
		return merged.Content
	}
	return []*yaml.Node{merged}
}

func text(node *yaml.Node, key string) string {
	if found := value(node, key); found != nil && found.Kind == yaml.ScalarNode && !isNull(found) {
		return found.Value
	}
	return ""
}

func remove(node *yaml.Node, key string) bool {
	removed := false
	for index := len(node.Content) - 2; index >= 0; index -= 2 {
		if node.Content[index].Value == key {
			node.Content = append(node.Content[:index], node.Content[index+2:]...)
			removed = true
		}
	}
	return removed
}

func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a map"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.AliasNode:
		return kindOf(target(node))
	case isNull(node):
		return "nothing"
	case len(node.Value) > 40:
		return "a long text"
	}
	return "`" + node.Value + "`"
}

// oldBools are what YAML 1.1, and with it Kubernetes, takes for true and false beside `true` and `false`.
var oldBools = map[string]bool{
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false, "off": false, "Off": false, "OFF": false,
}

// plain makes of a node what encoding/json makes of the same value, as Kubernetes reads it: `on` is true, `0755` is 493.
func plain(node *yaml.Node) (any, error) {
	return (&plainer{}).value(node)
}

// plainer counts what aliases make of an object.
type plainer struct{ nodes, depth int }

func (p *plainer) value(node *yaml.Node) (any, error) {
	p.nodes, p.depth = p.nodes+1, p.depth+1
	defer func() { p.depth-- }()
	if p.nodes > mostNodes || p.depth > mostDepth {
		return nil, fmt.Errorf("the object has more than %d values, or %d levels, with its aliases written out", mostNodes, mostDepth)
	}
	switch node = target(node); node.Kind {
	case yaml.MappingNode:
		return p.object(node)
	case yaml.SequenceNode:
		items := make([]any, 0, len(node.Content))
		for _, child := range node.Content {
			item, err := p.value(child)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	}
	return plainScalar(node)
}

func (p *plainer) object(node *yaml.Node) (any, error) {
	entries := make(map[string]any, len(node.Content)/2)
	merged := merges(node)
	for index := len(merged) - 1; index >= 0; index-- {
		below, err := p.value(merged[index])
		if err != nil {
			return nil, err
		}
		inner, isMap := below.(map[string]any)
		if !isMap {
			return nil, fmt.Errorf("line %d: `<<` merges what is no map", node.Line)
		}
		for key, item := range inner {
			entries[key] = item
		}
	}
	for index := 0; index+1 < len(node.Content); index += 2 {
		key := target(node.Content[index])
		if key.Value == "<<" && key.Style == 0 {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a key is %s", key.Line, kindOf(key))
		}
		item, err := p.value(node.Content[index+1])
		if err != nil {
			return nil, err
		}
		entries[key.Value] = item
	}
	return entries, nil
}

func plainScalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var flag bool
		err := node.Decode(&flag)
		return flag, err
	case "!!int":
		var small int64
		if err := node.Decode(&small); err == nil {
			return json.Number(strconv.FormatInt(small, 10)), nil
		}
		var large uint64
		err := node.Decode(&large)
		return json.Number(strconv.FormatUint(large, 10)), err
	case "!!float":
		var number float64
		if err := node.Decode(&number); err != nil {
			return nil, err
		}
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return nil, fmt.Errorf("line %d: `%s` has no place in JSON, so Kubernetes cannot read it", node.Line, node.Value)
		}
		return json.Number(strconv.FormatFloat(number, 'g', -1, 64)), nil
	}
	if flag, is := oldBools[node.Value]; is && node.Style == 0 && node.ShortTag() == "!!str" {
		return flag, nil
	}
	return node.Value, nil
}

// fromJSON makes a node of what encoding/json wrote, its keys in their order. Nulls are left out of maps: encoding/json
// writes them for what is not set.
func fromJSON(written []byte) (*yaml.Node, error) {
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.UseNumber()
	return nextNode(decoder)
}

func nextNode(decoder *json.Decoder) (*yaml.Node, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	opening, isOpening := token.(json.Delim)
	if !isOpening {
		return scalarNode(token)
	}
	node := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if opening == '{' {
		node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	for decoder.More() {
		child, err := nextNode(decoder)
		if err != nil {
			return nil, err
		}
		if node.Kind == yaml.MappingNode {
			item, err := nextNode(decoder)
			if err != nil {
				return nil, err
			}
			if !isNull(item) {
				node.Content = append(node.Content, child, item)
			}
			continue
		}
		node.Content = append(node.Content, child)
	}
	_, err = decoder.Token()
	return node, err
}

func scalarNode(token any) (*yaml.Node, error) {
	node := &yaml.Node{}
	if number, is := token.(json.Number); is {
		tag := "!!int"
		if _, err := strconv.ParseInt(number.String(), 10, 64); err != nil {
			tag = "!!float"
		}
		*node = yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: number.String()}
		return node, nil
	}
	// The encoder knows which texts must be quoted, for parsers of YAML 1.1 too.
	err := node.Encode(token)
	return node, err
}

// nodeOf makes a node of any value.
func nodeOf(from any) (*yaml.Node, error) {
	switch given := from.(type) {
	case *yaml.Node:
		if given.Kind == yaml.DocumentNode {
			return copyOf(given.Content[0]), nil
		}
		return copyOf(given), nil
	case yaml.Node:
		return nodeOf(&given)
	}
	written, err := json.Marshal(from)
	if err != nil {
		return nil, fmt.Errorf("the value cannot be written: %w", err)
	}
	return fromJSON(written)
}

// ParseYAML reads one document, for [Stream.Add] and [Object.Set].
func ParseYAML(text string) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, err
	}
	if root.Kind == 0 {
		return nil, errors.New("the text holds nothing")
	}
	return root.Content[0], nil
}
