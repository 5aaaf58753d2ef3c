package windlass

import (
	"errors"
	"strings"
	"testing"
)

// check runs render on a stream: what comes out, or a part of the error.
func check(t *testing.T, render func(*Stream) error, input, config, expected string, args ...string) {
	t.Helper()
	answer, _, err := RunOn(render, input, config, args...)
	if wanted, isError := strings.CutPrefix(expected, "error: "); isError {
		if err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("expected the error %q, found %v and\n%s", wanted, err, answer)
		}
		return
	}
	if err != nil || answer != expected {
		t.Errorf("%v\n--- expected\n%s--- found\n%s", err, expected, answer)
	}
}

func nothing(*Stream) error { return nil }

// Whatever is not changed leaves byte for byte.
func TestUnchangedBytesStay(t *testing.T) {
	for _, input := range []string{
		"apiVersion: v1\nkind: A\nmetadata: {name: a}   # why\ndata: {on: yes, mode: 0755, \"x\":   'y'}\n",
		"---\n# Source: a/b.yaml\napiVersion: v1\nkind: A\n---\n# nothing here\n---\n\napiVersion: v1\r\nkind: B\r\n",
		"--- # first\na: b\n--- {c: d}\n",
		"a: |\n  ---\n  text\nb: >-\n  --- more\n",
		"a: &x {b: c}\nd: *x\n",
		"a: b",
	} {
		check(t, nothing, input, "", input)
	}
	check(t, nothing, "", "", "# empty\n")
	check(t, nothing, "---\n\n", "", "---\n\n")
	check(t, nothing, "a: b\n---\n- c\n", "", "error: line 3: expected an object, found a list")
	check(t, nothing, "a: b\n---\nc: [\n", "", "error: in the document that begins at line 2")
	check(t, nothing, "a: b\n...\nc: d\n", "", "error: something follows `...`")
	check(t, nothing, "a: b\nc: \xff\n", "", "error: line 2 of the stream is not UTF-8")
}

func setting(value any, path ...any) func(*Stream) error {
	return func(stream *Stream) error {
		for _, object := range stream.Objects() {
			if err := object.Set(value, path...); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestSet(t *testing.T) {
	const object = "apiVersion: v1\nkind: A\nmetadata:\n  name: a # its name\n"
	check(t, setting("b", "metadata", "labels", "x/y"), object, "", object+"  labels:\n    x/y: b\n")
	// Kubernetes would take these for true and for a number.
	check(t, setting("on", "metadata", "labels", "x"), object, "", object+"  labels:\n    x: \"on\"\n")
	check(t, setting("0755", "metadata", "labels", "x"), object, "", object+"  labels:\n    x: \"0755\"\n")
	check(t, setting(1.5, "spec", "x"), object, "", object+"spec:\n  x: 1.5\n")
	check(t, setting(true, "spec", "list", 0, "x"), object, "", object+"spec:\n  list:\n    - x: true\n")
	check(t, setting("b", "metadata", "name"), object, "", "apiVersion: v1\nkind: A\nmetadata:\n  name: b # its name\n")
	// The value that is there already is no change, whatever its text.
	check(t, setting("a", "metadata", "name"), object, "", object)
	check(t, setting("x", "metadata", "name", "deeper"), object, "", "error: A/a (line 1): metadata.name.deeper: at metadata.name.deeper: expected a map, found `a`")
	check(t, setting("x", "spec", 1), object, "", "error: A/a (line 1): spec[1]: at spec[1]: the list has 0 items")
	// What an anchor shares changes in one place only.
	shared := "apiVersion: v1\nkind: A\na: &x {b: c}\nd: *x\n"
	check(t, setting("e", "d", "b"), shared, "", "apiVersion: v1\nkind: A\na: &x {b: c}\nd: {b: e}\n")
}

func TestItemsOfAList(t *testing.T) {
	input := "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: a}}\n- {apiVersion: v1, kind: B, metadata: {name: b}}\n"
	drop := func(stream *Stream) error {
		if len(stream.Objects()) != 2 {
			return errors.New("two objects")
		}
		stream.Find("A", "a").Remove()
		return nil
	}
	check(t, drop, input, "", "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: B, metadata: {name: b}}\n")
	check(t, func(stream *Stream) error { stream.Objects()[0].Remove(); return nil },
		"apiVersion: v1\nkind: A\n", "", "# empty\n")
}

type workload struct {
	Spec struct {
		Replicas   *int              `json:"replicas,omitempty"`
		Containers []container       `json:"containers"`
		Labels     map[string]string `json:"labels"`
		Paused     bool              `json:"paused"`
	} `json:"spec"`
	Status struct{} `json:"status"`
}

type container struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// Edit writes what changed and nothing that the type fills in or does not know.
func TestEdit(t *testing.T) {
	input := "apiVersion: v1\nkind: A\nspec:\n  replicas: 1 # few\n  containers:\n    - name: a\n      image: x:1\n      new: on\n    - name: b\n      image: y:1\n"
	edit := func(change func(*workload)) func(*Stream) error {
		return func(stream *Stream) error {
			var object workload
			return stream.Objects()[0].Edit(&object, func() error { change(&object); return nil })
		}
	}
	check(t, edit(func(*workload) {}), input, "", input)
	check(t, edit(func(o *workload) { three := 3; o.Spec.Replicas = &three }), input, "", strings.Replace(input, "1 #", "3 #", 1))
	check(t, edit(func(o *workload) { o.Spec.Containers[0].Image = "x:2" }), input, "", strings.Replace(input, "x:1", "x:2", 1))
	// Items are told apart by their names: the first one keeps what the type does not know.
	swapped := "apiVersion: v1\nkind: A\nspec:\n  replicas: 1 # few\n  containers:\n    - image: z\n      name: c\n    - name: a\n      image: x:1\n      new: on\n"
	check(t, edit(func(o *workload) { o.Spec.Containers = []container{{"c", "z"}, o.Spec.Containers[0]} }), input, "", swapped)
	check(t, edit(func(o *workload) { o.Spec.Replicas = nil }), input, "", strings.Replace(input, "  replicas: 1 # few\n", "", 1))
	check(t, edit(func(*workload) {}), "apiVersion: v1\nkind: A\nspec: {replicas: many}\n", "", "error: A/ (line 1): spec.replicas: expected int, found a string")
	// As Kubernetes reads it.
	check(t, edit(func(o *workload) {
		if !o.Spec.Paused {
			panic("`on` is true")
		}
	}), "apiVersion: v1\nkind: A\nspec: {paused: on}\n", "", "apiVersion: v1\nkind: A\nspec: {paused: on}\n")
}

type settings struct {
	Team   string            `yaml:"team" required:"true"`
	Mode   string            `yaml:"mode" enum:"warn,deny"`
	Count  int               `yaml:"count"`
	Labels map[string]string `yaml:"labels"`
	Rules  []struct {
		Path string `yaml:"path" required:"true"`
	} `yaml:"rules"`
}

func (s *settings) Validate() error {
	if s.Count > 10 {
		return errors.New("count: is at most 10")
	}
	return nil
}

func TestConfig(t *testing.T) {
	show := func(stream *Stream) error {
		read := settings{Mode: "warn"}
		if err := stream.Config(&read); err != nil {
			return err
		}
		return stream.Add(map[string]any{"apiVersion": "v1", "kind": "A", "team": read.Team, "mode": read.Mode, "count": read.Count, "labels": read.Labels})
	}
	answer := func(rest string) string { return "apiVersion: v1\ncount: 0\nkind: A\n" + rest }
	check(t, show, "", "{team: 1.20}", answer("mode: warn\nteam: \"1.20\"\n"))
	check(t, show, "", "{team: a, labels: {v: 1.20, w: on}}", answer("labels:\n  v: \"1.20\"\n  w: \"on\"\nmode: warn\nteam: a\n"))
	check(t, show, "", "team: a", answer("labels:\n  a.b: c\nmode: deny\nteam: \"007\"\n"), "team=007", `labels.a\.b=c,mode=deny`)
	check(t, show, "", "{team: a, labels: {b: c}}", answer("labels: {}\nmode: warn\nteam: a\n"), "labels.b=null")
	for config, expected := range map[string]string{
		"{}":                         "team: is required",
		"{team: a, tem: b}":          "tem: unknown key, did you mean `team`?",
		"{team: a, mode: shout}":     "mode: expected warn or deny, found `shout`",
		"{team: a, count: many}":     "count: expected a whole number, found `many`",
		"{team: a, count: 11}":       "count: is at most 10",
		"{team: a, rules: [{}]}":     "rules[0].path: is required",
		"{team: a, rules: x}":        "rules: expected a list, found `x`",
		"{team: a, labels: [b]}":     "labels: expected a map, found a list",
		"[team]":                     "a configuration is a map",
		"{team: {}, count: 1}":       "",
		"{team: a, rules: [{x: y}]}": "rules[0].x: unknown key",
	} {
		if expected != "" {
			check(t, show, "", config, "error: "+expected)
		}
	}
	for args, expected := range map[string]string{
		"=x": "a key is empty", "team.x=1": "`team` is `a`, not a map", "rules[x]=1": "`x` is no index",
		"rules[70000]=1": "at most 65536", "labels={a": "a list ends with `}`", "rules[0]x=1": "`x` follows an index",
	} {
		check(t, show, "", "team: a", "error: "+expected, args)
	}
}

func TestFindings(t *testing.T) {
	input := "---\n# Source: shop/templates/a.yaml\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\nspec:\n  hostNetwork: true\n"
	find := func(stream *Stream) error {
		for _, object := range stream.Objects() {
			stream.Warn(object, nil, "is a bare pod")
			stream.Deny(object, Path("spec", "hostNetwork"), "is not allowed")
			stream.Deny(object, Path("spec", "containers", 0), "are %s", "missing")
		}
		return nil
	}
	check(t, find, input, "", "error: Pod/a in n (shop/templates/a.yaml, line 7): spec.hostNetwork: is not allowed\n"+
		"Pod/a in n (shop/templates/a.yaml, line 3): spec.containers[0]: are missing")
	warn := func(stream *Stream) error {
		stream.Warn(stream.Objects()[0], nil, "is a bare pod")
		return nil
	}
	_, log, err := RunOn(warn, input, "")
	if err != nil || len(log) != 1 || log[0] != "Pod/a in n (shop/templates/a.yaml, line 3): is a bare pod" {
		t.Error(log, err)
	}
}

func TestPanicsAreErrors(t *testing.T) {
	check(t, func(*Stream) error { panic("oh") }, "a: b\n", "", "error: the plugin panicked at ")
}

// An alias that stands for ever more is an end, not gigabytes.
func TestAliasesAreBounded(t *testing.T) {
	bomb := "apiVersion: v1\nkind: A\na: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for letter := 'b'; letter < 'j'; letter++ {
		before := string(letter - 1)
		bomb += string(letter) + ": &" + string(letter) + " [" + strings.TrimSuffix(strings.Repeat("*"+before+", ", 10), ", ") + "]\n"
	}
	check(t, func(stream *Stream) error { return stream.Objects()[0].Decode(&struct{}{}) }, bomb, "", "error: aliases written out")
	check(t, nothing, bomb, "", bomb)
}
