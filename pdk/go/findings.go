package windlass

import (
	"errors"
	"fmt"
	"strings"
)

// finding is what a check has to say of an object.
type finding struct {
	level   Level
	object  *Object
	path    []any
	message string
}

// Deny says what is wrong with an object, at a path in it (empty: the whole). The stream is refused once render has returned,
// with all that was denied.
func (s *Stream) Deny(object *Object, path []any, format string, values ...any) {
	s.find(Error, object, path, format, values)
}

// Warn says what is doubtful about an object. The stream passes.
func (s *Stream) Warn(object *Object, path []any, format string, values ...any) {
	s.find(Warn, object, path, format, values)
}

// Inform says what is worth to know of an object.
func (s *Stream) Inform(object *Object, path []any, format string, values ...any) {
	s.find(Info, object, path, format, values)
}

// Path is for the functions that take one: windlass.Path("spec", "containers", 0).
func Path(steps ...any) []any { return steps }

func (s *Stream) find(level Level, object *Object, path []any, format string, values []any) {
	one := finding{level, object, path, fmt.Sprintf(format, values...)}
	s.findings = append(s.findings, one)
	if level < Error {
		s.host.log(level, one.String())
	}
}

// String is the finding for a person: `Pod/web (line 3): spec.hostNetwork: is not allowed`.
func (f finding) String() string {
	node := f.object.node
	if found := f.object.Get(f.path...); found != nil && found.Line > 0 {
		node = found
	}
	text := f.object.named(node)
	if len(f.path) > 0 {
		text += ": " + pathText(f.path)
	}
	return text + ": " + f.message
}

func (s *Stream) refusal() error {
	var denied []string
	for _, one := range s.findings {
		if one.level == Error {
			denied = append(denied, one.String())
		}
	}
	if len(denied) == 0 {
		return nil
	}
	return errors.New(strings.Join(denied, "\n"))
}
