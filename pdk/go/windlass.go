// Package windlass is for Helm post-renderers in Go: a function that changes a stream of manifests.
//
//	func main() { windlass.Main(render) }
//
//	func render(stream *windlass.Stream) error {
//		settings := Settings{Team: "unknown"}
//		if err := stream.Config(&settings); err != nil {
//			return err
//		}
//		for _, object := range stream.Objects() {
//			if err := object.Set(settings.Team, "metadata", "labels", "team"); err != nil {
//				return err
//			}
//		}
//		return nil
//	}
//
// One program, three ways to run it:
//
//   - as a plugin, by `windlass build`: it exports what Helm and Windlass call ([Call], [Alloc], [Render] in the
//     template's entry.go);
//   - as a native program: standard input to standard output, which is a post-renderer of Helm 3;
//   - as a WASI command: `GOOS=wasip1 GOARCH=wasm go build -tags command`.
//
// # Bytes
//
// A document that the function did not change leaves as it came, everywhere. One that it changed is printed again by
// yaml.v3, which loses some formatting. Under Windlass only what changed by meaning changes in the text (graft), because
// metadata.json says `"graft": true`; under Helm's own engine and natively the printed document is what Helm gets.
package windlass

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"
)

// Codes that the entries return, and a program ends with.
const (
	codeOK      = 0
	codeRefused = 1
	codeConfig  = 2
)

// host is what stands around the program.
type host interface {
	// input is the stream and the extra arguments.
	input() (stream []byte, args []string, err error)
	// config is the text of a configuration's entry. False where there is none.
	config(key string) (string, bool)
	log(level Level, message string)
	// answer ends the run well, fail with an error.
	answer(stream []byte) error
	fail(code int, message string)
	// end leaves Main with the run's code.
	end(code int)
}

var current host = &native{}

// Main runs the post-renderer once and, in a program of its own, ends it: with 0 when the stream was answered, 2 when
// the configuration or the stream cannot be read, 1 when render returned an error. The error's text reaches the person.
func Main(render func(*Stream) error) {
	current.end(run(current, render))
}

func run(host host, render func(*Stream) error) int {
	input, args, err := host.input()
	var output []byte
	if err == nil {
		output, err = process(host, input, args, render)
	}
	if err == nil {
		err = host.answer(output)
	}
	if err == nil {
		return codeOK
	}
	code := codeRefused
	if wrong := new(ConfigError); errors.As(err, &wrong) {
		code = codeConfig
	}
	message := strings.TrimSpace(err.Error())
	if message == "" {
		// Helm's engine crashes on a failure without a text.
		message = "the plugin failed without saying why"
	}
	host.fail(code, message)
	return code
}

func process(host host, input []byte, args []string, render func(*Stream) error) (output []byte, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("the plugin panicked%s: %v", place(), problem)
		}
	}()
	if at := invalid(input); at > 0 {
		return nil, &ConfigError{fmt.Sprintf("line %d of the stream is not UTF-8", at)}
	}
	stream, err := parse(input)
	if err != nil {
		return nil, err
	}
	stream.host, stream.arguments = host, args
	err = render(stream)
	if refused := stream.refusal(); refused != nil {
		err = errors.Join(err, refused)
	}
	if err != nil {
		return nil, err
	}
	return stream.print()
}

// place is where the panic came from: the innermost function that is neither Go's nor this package's.
func place() string {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if frame.File != "" && !strings.HasPrefix(frame.Function, "runtime.") && !strings.HasPrefix(frame.Function, self+".") {
			return fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
		}
	}
	return ""
}

const self = "github.com/windlass-dev/windlass/pdk/go"

// invalid is the number of the first line that is not UTF-8; 0 where all are.
func invalid(text []byte) int {
	if utf8.Valid(text) {
		return 0
	}
	line := 1
	for len(text) > 0 {
		letter, size := utf8.DecodeRune(text)
		if letter == utf8.RuneError && size == 1 {
			break
		}
		if letter == '\n' {
			line++
		}
		text = text[size:]
	}
	return line
}

// Level says how much a line of log matters.
type Level int

// From the least to the most.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Logf writes a line of log: for Windlass to show (`--log-level`), or to standard error.
func Logf(level Level, format string, values ...any) {
	current.log(level, fmt.Sprintf(format, values...))
}

// ConfigError is an error in what the person wrote: under Windlass it ends with 2 instead of 1.
type ConfigError struct{ text string }

// Error is the text.
func (e *ConfigError) Error() string { return e.text }

// ConfigErrorf makes a [ConfigError].
func ConfigErrorf(format string, values ...any) error {
	return &ConfigError{fmt.Sprintf(format, values...)}
}
