package windlass

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Config reads the settings into a struct, over the defaults that it holds. Its fields say what they are by tags:
//
//	type Settings struct {
//		Team  string            `yaml:"team" doc:"Who is called at night." required:"true"`
//		Mode  string            `yaml:"mode" doc:"What happens." enum:"warn,deny"`
//		Extra map[string]string `yaml:"extra" doc:"More labels."`
//	}
//
// A field without a `yaml` tag is called by its name with a small first letter. What the struct does not know is an error that
// names the nearest key; a text stays what was written (`1.20`). Extra arguments of the form KEY=VALUE come last, in the syntax
// of Helm's --set. Where the struct has a method `Validate() error`, it is called at the end.
func (s *Stream) Config(into any) error {
	place := reflect.ValueOf(into)
	if place.Kind() != reflect.Pointer || place.IsNil() || place.Elem().Kind() != reflect.Struct {
		panic("windlass: Config needs a pointer to a struct")
	}
	config := emptyMap()
	for _, field := range fieldsOf(place.Elem().Type()) {
		text, has := s.host.config(field.key)
		if !has {
			continue
		}
		node, err := entryNode(field, text)
		if err != nil {
			return ConfigErrorf("%s: %v", field.key, err)
		}
		config.Content = append(config.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: field.key}, node)
	}
	if file, is := s.host.(interface{ known() []string }); is {
		if err := refuseUnknown(file.known(), place.Elem().Type()); err != nil {
			return err
		}
	}
	for _, argument := range s.arguments {
		if strings.Contains(argument, "=") {
			if err := set(config, argument); err != nil {
				return &ConfigError{err.Error()}
			}
		}
	}
	if err := decode(config, place.Elem(), ""); err != nil {
		return &ConfigError{err.Error()}
	}
	if checked, is := into.(interface{ Validate() error }); is {
		if err := checked.Validate(); err != nil {
			return ConfigErrorf("%v", err)
		}
	}
	return nil
}

// entryNode reads an entry: a text as it is where the field is one, else YAML.
func entryNode(field field, text string) (*yaml.Node, error) {
	kind := field.of
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() == reflect.String {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}, nil
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return nil, err
	}
	if root.Kind == 0 {
		return null(), nil
	}
	return root.Content[0], nil
}

// field is a field of a struct, with what its tags say.
type field struct {
	key      string
	index    []int
	of       reflect.Type
	doc      string
	required bool
	enum     []string
}

func fieldsOf(of reflect.Type) (fields []field) {
	for index := range of.NumField() {
		one := of.Field(index)
		name, options, _ := strings.Cut(one.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !one.IsExported() && !one.Anonymous:
			continue
		case (one.Anonymous || strings.Contains(options, "inline")) && one.Type.Kind() == reflect.Struct:
			for _, below := range fieldsOf(one.Type) {
				below.index = append([]int{index}, below.index...)
				fields = append(fields, below)
			}
			continue
		case name == "":
			name = strings.ToLower(one.Name[:1]) + one.Name[1:]
		}
		found := field{key: name, index: []int{index}, of: one.Type, doc: one.Tag.Get("doc")}
		found.required = one.Tag.Get("required") == "true"
		if words := one.Tag.Get("enum"); words != "" {
			found.enum = strings.Split(words, ",")
		}
		fields = append(fields, found)
	}
	return fields
}

func refuseUnknown(keys []string, of reflect.Type) error {
	for _, key := range keys {
		if err := knows(fieldsOf(of), key, ""); err != nil {
			return &ConfigError{err.Error()}
		}
	}
	return nil
}

func knows(fields []field, key, path string) error {
	best, least := "", len(key)/2+2
	for _, one := range fields {
		if one.key == key {
			return nil
		}
		if apart := distance(one.key, key); apart < least {
			best, least = one.key, apart
		}
	}
	if best != "" {
		return fmt.Errorf("%s: unknown key, did you mean `%s`?", join(path, key), best)
	}
	return fmt.Errorf("%s: unknown key", join(path, key))
}

// distance is how many letters differ.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for index := range row {
		row[index] = index
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// decode reads a node into a value, with errors that name the path.
func decode(node *yaml.Node, into reflect.Value, path string) error {
	node = target(node)
	if isNull(node) {
		return nil
	}
	if _, is := into.Addr().Interface().(yaml.Unmarshaler); is || into.Type() == reflect.TypeFor[yaml.Node]() {
		return leaf(node, into, path)
	}
	wrong := func(wanted string) error { return fmt.Errorf("%s: expected %s, found %s", path, wanted, kindOf(node)) }
	switch into.Kind() {
	case reflect.Pointer:
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		return decode(node, into.Elem(), path)
	case reflect.Struct:
		if node.Kind != yaml.MappingNode {
			return wrong("a map")
		}
		return decodeStruct(node, into, path)
	case reflect.Map:
		if node.Kind != yaml.MappingNode {
			return wrong("a map")
		}
		if into.IsNil() {
			into.Set(reflect.MakeMap(into.Type()))
		}
		for index := 0; index+1 < len(node.Content); index += 2 {
			key := node.Content[index].Value
			item := reflect.New(into.Type().Elem()).Elem()
			if err := decode(node.Content[index+1], item, join(path, key)); err != nil {
				return err
			}
			into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), item)
		}
		return nil
	case reflect.Slice:
		if node.Kind != yaml.SequenceNode {
			return wrong("a list")
		}
		list := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
		for index, child := range node.Content {
			if err := decode(child, list.Index(index), fmt.Sprintf("%s[%d]", path, index)); err != nil {
				return err
			}
		}
		into.Set(list)
		return nil
	case reflect.String:
		if node.Kind != yaml.ScalarNode {
			return wrong("a text")
		}
		into.SetString(node.Value)
		return nil
	}
	return leaf(node, into, path)
}

func leaf(node *yaml.Node, into reflect.Value, path string) error {
	if err := node.Decode(into.Addr().Interface()); err != nil {
		return fmt.Errorf("%s: expected %s, found %s", path, wordOf(into.Type()), kindOf(node))
	}
	return nil
}

func wordOf(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a value of another kind"
}

func decodeStruct(node *yaml.Node, into reflect.Value, path string) error {
	fields := fieldsOf(into.Type())
	for index := 0; index+1 < len(node.Content); index += 2 {
		if err := knows(fields, node.Content[index].Value, path); err != nil {
			return err
		}
	}
	for _, one := range fields {
		place := into.FieldByIndex(one.index)
		if found := entry(node, one.key); found != nil {
			if err := decode(*found, place, join(path, one.key)); err != nil {
				return err
			}
		}
		if one.required && isEmpty(place) {
			return fmt.Errorf("%s: is required", join(path, one.key))
		}
		if len(one.enum) > 0 && place.Kind() == reflect.String && place.String() != "" && !contains(one.enum, place.String()) {
			return fmt.Errorf("%s: expected %s, found `%s`", join(path, one.key), strings.Join(one.enum, " or "), place.String())
		}
	}
	return nil
}

func isEmpty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Map, reflect.Slice:
		return value.Len() == 0
	}
	return value.IsZero()
}

func contains(words []string, word string) bool {
	for _, one := range words {
		if one == word {
			return true
		}
	}
	return false
}

// Schema is the JSON Schema of the settings in a struct, as metadata.json holds it under `configSchema`. What the struct holds
// are the defaults.
func Schema(settings any) json.RawMessage {
	written, err := json.Marshal(schemaOf(reflect.ValueOf(settings)))
	if err != nil {
		panic("windlass: a default cannot be written: " + err.Error())
	}
	return written
}

func schemaOf(value reflect.Value) map[string]any {
	of := value.Type()
	switch of.Kind() {
	case reflect.Pointer:
		return schemaOf(reflect.New(of.Elem()).Elem())
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for _, one := range fieldsOf(of) {
			place := value.FieldByIndex(one.index)
			below := schemaOf(place)
			if one.doc != "" {
				below["description"] = one.doc
			}
			if len(one.enum) > 0 {
				below["enum"] = one.enum
			}
			if !place.IsZero() && place.Kind() != reflect.Struct {
				below["default"] = place.Interface()
			}
			if one.required {
				required = append(required, one.key)
			}
			properties[one.key] = below
		}
		schema := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if len(required) > 0 {
			schema["required"] = required
		}
		return schema
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(reflect.New(of.Elem()).Elem())}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(reflect.New(of.Elem()).Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "integer"}
}
