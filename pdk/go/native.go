package windlass

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// native is a program of its own: the stream on standard input, the answer on standard output.
//
//	PROGRAM [--config FILE] [KEY=VALUE...]
type native struct {
	entries map[string]string
}

func (n *native) input() ([]byte, []string, error) {
	args, err := n.arguments(os.Args[1:])
	if err != nil {
		return nil, nil, err
	}
	stream, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, nil, &ConfigError{fmt.Sprintf("the stream cannot be read: %v", err)}
	}
	return stream, args, nil
}

// arguments takes `--config FILE` out of them.
func (n *native) arguments(args []string) (others []string, err error) {
	for index := 0; index < len(args); index++ {
		file, has := strings.CutPrefix(args[index], "--config=")
		switch {
		case has:
		case args[index] != "--config":
			others = append(others, args[index])
			continue
		case index+1 == len(args):
			return nil, &ConfigError{"`--config` has no file behind it"}
		default:
			index++
			file = args[index]
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, &ConfigError{fmt.Sprintf("the configuration cannot be read: %v", err)}
		}
		if n.entries, err = entries(text); err != nil {
			return nil, &ConfigError{fmt.Sprintf("%s: %v", file, err)}
		}
	}
	return others, nil
}

// entries makes of a configuration in YAML what Windlass hands over: a text as it is, everything else as YAML.
func entries(text []byte) (map[string]string, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, err
	}
	if root.Kind == 0 || isNull(root.Content[0]) {
		return nil, nil
	}
	top := target(root.Content[0])
	if top.Kind != yaml.MappingNode {
		return nil, errors.New("a configuration is a map")
	}
	found := map[string]string{}
	for index := 0; index+1 < len(top.Content); index += 2 {
		key, value := top.Content[index].Value, target(top.Content[index+1])
		switch {
		case isNull(value):
		case value.Kind == yaml.ScalarNode:
			found[key] = value.Value
		default:
			text, err := yaml.Marshal(value)
			if err != nil {
				return nil, err
			}
			found[key] = string(text)
		}
	}
	return found, nil
}

func (n *native) config(key string) (string, bool) {
	text, has := n.entries[key]
	return text, has
}

func (n *native) log(level Level, message string) {
	if level >= Info {
		fmt.Fprintln(os.Stderr, message)
	}
}

func (n *native) answer(stream []byte) error {
	_, err := os.Stdout.Write(stream)
	return err
}

func (n *native) fail(_ int, message string) { fmt.Fprintln(os.Stderr, message) }

func (n *native) end(code int) { os.Exit(code) }

// memory is the host of a test.
type memory struct {
	native
	logged []string
}

func (m *memory) log(_ Level, message string) { m.logged = append(m.logged, message) }

// RunOn runs a post-renderer on a stream without anything around it, for tests: with a configuration in YAML (empty:
// none) and extra arguments. It gives the answer and the lines of log.
func RunOn(render func(*Stream) error, stream, config string, args ...string) (answer string, log []string, err error) {
	host := &memory{}
	if host.entries, err = entries([]byte(config)); err != nil {
		return "", nil, &ConfigError{fmt.Sprintf("the configuration is wrong: %v", err)}
	}
	before := current
	current = host
	defer func() { current = before }()
	output, err := process(host, []byte(stream), args, render)
	return string(output), host.logged, err
}

// known are the keys of the configuration, to tell those that nobody reads.
func (n *native) known() (keys []string) {
	for key := range n.entries {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
