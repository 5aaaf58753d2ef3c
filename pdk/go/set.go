package windlass

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What Helm's strvals allows.
const (
	mostIndex  = 65536
	mostLevels = 30
)

// setter reads `KEY=VALUE` as Helm's --set does: `a.b=1`, `a\.b=x`, `a[0]=x`, `a={x,y}`, `a=null`.
type setter struct{ rest []rune }

// set lays a text of that form over a configuration.
func set(config *yaml.Node, text string) error {
	parser := setter{[]rune(text)}
	for len(parser.rest) > 0 {
		if err := parser.key(config, 0); err != nil {
			return fmt.Errorf("extra argument `%s`: %w", text, err)
		}
	}
	return nil
}

// until is the text up to one of stops, which goes as well; 0 is the end. A backslash makes the next letter plain.
func (p *setter) until(stops string) (string, rune) {
	var text strings.Builder
	for len(p.rest) > 0 {
		letter := p.rest[0]
		p.rest = p.rest[1:]
		if strings.ContainsRune(stops, letter) {
			return text.String(), letter
		}
		if letter == '\\' {
			if len(p.rest) == 0 {
				break
			}
			letter, p.rest = p.rest[0], p.rest[1:]
		}
		text.WriteRune(letter)
	}
	return text.String(), 0
}

func (p *setter) key(config *yaml.Node, level int) error {
	key, stop := p.until("=[,.")
	if key == "" {
		return fmt.Errorf("a key is empty: write `key=value`")
	}
	place := entry(config, key)
	had := place != nil
	if !had {
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}
		config.Content = append(config.Content, name, null())
		place = &config.Content[len(config.Content)-1]
	}
	switch stop {
	case '=':
		value, err := p.value()
		if err != nil {
			return err
		}
		if isNull(value) {
			remove(config, key)
		} else {
			*place = value
		}
		return nil
	case '[':
		index, err := p.index()
		if err != nil {
			return err
		}
		if isNull(*place) {
			*place = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		}
		if (*place).Kind != yaml.SequenceNode {
			return fmt.Errorf("`%s` is %s, not a list", key, kindOf(*place))
		}
		return p.item(*place, index, level)
	case '.':
		if level++; level > mostLevels {
			return fmt.Errorf("a key has more than %d dots", mostLevels)
		}
		if isNull(*place) {
			*place = emptyMap()
		}
		if (*place).Kind != yaml.MappingNode {
			return fmt.Errorf("`%s` is %s, not a map", key, kindOf(*place))
		}
		err := p.key(*place, level)
		if !had && len((*place).Content) == 0 {
			remove(config, key)
		}
		return err
	}
	return fmt.Errorf("key `%s` has no value", key)
}

func (p *setter) item(list *yaml.Node, index, level int) error {
	rest, stop := p.until("[.=")
	if rest != "" {
		return fmt.Errorf("`%s` follows an index", rest)
	}
	if stop == 0 {
		return nil
	}
	for len(list.Content) <= index {
		list.Content = append(list.Content, null())
	}
	place := &list.Content[index]
	switch stop {
	case '=':
		value, err := p.value()
		*place = value
		return err
	case '[':
		inner, err := p.index()
		if err != nil {
			return err
		}
		if isNull(*place) {
			*place = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		}
		if (*place).Kind != yaml.SequenceNode {
			return fmt.Errorf("item %d is %s, not a list", index, kindOf(*place))
		}
		return p.item(*place, inner, level)
	}
	if (*place).Kind != yaml.MappingNode {
		// As Helm: an item that is no map gives way to one.
		*place = emptyMap()
	}
	return p.key(*place, level)
}

func (p *setter) index() (int, error) {
	text, stop := p.until("]")
	if stop == 0 {
		return 0, fmt.Errorf("`]` is missing")
	}
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 || index > mostIndex {
		return 0, fmt.Errorf("`%s` is no index: at least 0, at most %d", text, mostIndex)
	}
	return index, nil
}

func (p *setter) value() (*yaml.Node, error) {
	if len(p.rest) == 0 || p.rest[0] != '{' {
		text, _ := p.until(",")
		return typed(text), nil
	}
	p.rest = p.rest[1:]
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for {
		text, stop := p.until(",}")
		list.Content = append(list.Content, typed(text))
		switch stop {
		case 0:
			return list, fmt.Errorf("a list ends with `}`")
		case '}':
			if len(p.rest) > 0 && p.rest[0] == ',' {
				p.rest = p.rest[1:]
			}
			return list, nil
		}
	}
}

// typed gives a text the type that Helm gives it: `1.20` and `007` are texts.
func typed(text string) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	switch strings.ToLower(text) {
	case "true", "false":
		node.Tag, node.Value = "!!bool", strings.ToLower(text)
		return node
	case "null":
		return null()
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && (text == "0" || text[0] != '0') {
		node.Tag = "!!int"
	}
	return node
}

func null() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"} }

func emptyMap() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }
