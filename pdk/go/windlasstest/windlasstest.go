// Package windlasstest runs a plugin's cases natively, as `windlass test` runs them on the built module.
package windlasstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	windlass "github.com/windlass-dev/windlass/pdk/go"
	"go.yaml.in/yaml/v3"
)

// Cases runs every folder in tests/cases: input.yaml with config.yaml and args.txt must give expected.yaml, or the error
// in error.txt.
//
// Here the answer is compared by what it means, as a native program prints anew what it changed. `windlass test` compares
// the bytes, and `WINDLASS_BLESS=1 windlass test` writes them.
func Cases(t *testing.T, render func(*windlass.Stream) error) {
	t.Helper()
	folders, err := filepath.Glob("tests/cases/*/input.yaml")
	if err != nil || len(folders) == 0 {
		t.Fatal("there is no case: make a folder in tests/cases with an input.yaml")
	}
	for _, input := range folders {
		folder := filepath.Dir(input)
		t.Run(filepath.Base(folder), func(t *testing.T) { check(t, folder, render) })
	}
}

func check(t *testing.T, folder string, render func(*windlass.Stream) error) {
	read := func(name string) (string, bool) {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text), err == nil
	}
	input, _ := read("input.yaml")
	config, _ := read("config.yaml")
	args, _ := read("args.txt")
	answer, _, err := windlass.RunOn(render, input, config, strings.FieldsFunc(args, func(c rune) bool { return c == '\n' })...)
	expected, hasAnswer := read("expected.yaml")
	refusal, hasError := read("error.txt")
	switch {
	case hasAnswer == hasError:
		t.Fatal("it needs one of expected.yaml and error.txt: `WINDLASS_BLESS=1 windlass test` writes what comes out")
	case hasError && err == nil:
		t.Fatalf("it should fail, but answered\n%s", answer)
	case hasError && err.Error()+"\n" != refusal:
		t.Fatalf("the error differs: %v", err)
	case hasAnswer && err != nil:
		t.Fatalf("it failed: %v", err)
	case hasAnswer && !reflect.DeepEqual(meaning(t, expected), meaning(t, answer)):
		t.Fatalf("expected\n%s\nfound\n%s", expected, answer)
	}
}

func meaning(t *testing.T, stream string) (objects []any) {
	decoder := yaml.NewDecoder(strings.NewReader(stream))
	for {
		var object any
		switch err := decoder.Decode(&object); {
		case errors.Is(err, io.EOF):
			return objects
		case err != nil:
			t.Fatal(err)
		case object != nil:
			objects = append(objects, object)
		}
	}
}

// Metadata holds the schema in metadata.json to the settings; `WINDLASS_BLESS=1 go test` writes it.
func Metadata(t *testing.T, settings any) {
	t.Helper()
	const file = "metadata.json"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]any{}
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	said["configSchema"] = windlass.Schema(settings)
	var wanted bytes.Buffer
	encoder := json.NewEncoder(&wanted)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(said); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(wanted.Bytes(), text) {
		return
	}
	if os.Getenv("WINDLASS_BLESS") != "1" {
		t.Fatalf("%s is not what the settings say: run WINDLASS_BLESS=1 go test", file)
	}
	if err := os.WriteFile(file, wanted.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
