//go:build wasip1

package windlass

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unsafe"
)

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoadU8(offset uint64) uint32

//go:wasmimport extism:host/env input_load_u64
func inputLoadU64(offset uint64) uint64

//go:wasmimport extism:host/env alloc
func alloc(length uint64) uint64

//go:wasmimport extism:host/env length
func length(block uint64) uint64

//go:wasmimport extism:host/env load_u8
func loadU8(offset uint64) uint32

//go:wasmimport extism:host/env load_u64
func loadU64(offset uint64) uint64

//go:wasmimport extism:host/env store_u8
func storeU8(offset uint64, value uint32)

//go:wasmimport extism:host/env store_u64
func storeU64(offset uint64, value uint64)

//go:wasmimport extism:host/env output_set
func outputSet(block, length uint64)

//go:wasmimport extism:host/env error_set
func errorSet(block uint64)

//go:wasmimport extism:host/env config_get
func configGet(key uint64) uint64

//go:wasmimport extism:host/env log_trace
func logTrace(text uint64)

//go:wasmimport extism:host/env log_debug
func logDebug(text uint64)

//go:wasmimport extism:host/env log_info
func logInfo(text uint64)

//go:wasmimport extism:host/env log_warn
func logWarn(text uint64)

//go:wasmimport extism:host/env log_error
func logError(text uint64)

// store copies bytes into a block of the host's, eight at a time.
func store(data []byte) uint64 {
	block, offset := alloc(uint64(len(data))), uint64(0)
	for ; len(data) >= 8; data, offset = data[8:], offset+8 {
		storeU64(block+offset, binary.LittleEndian.Uint64(data))
	}
	for index, one := range data {
		storeU8(block+offset+uint64(index), uint32(one))
	}
	return block
}

func load(count uint64, eight func(uint64) uint64, one func(uint64) uint32) []byte {
	data, offset := make([]byte, 0, count), uint64(0)
	for ; offset+8 <= count; offset += 8 {
		data = binary.LittleEndian.AppendUint64(data, eight(offset))
	}
	for ; offset < count; offset++ {
		data = append(data, byte(one(offset)))
	}
	return data
}

// extism is Helm's engine, or Windlass where it calls the same entry.
type extism struct {
	code int
}

// Call is what the export `helm_plugin_main` returns: main runs, with Helm's message as its input.
func Call(main func()) int32 {
	host := &extism{code: codeRefused}
	current = host
	main()
	return int32(host.code)
}

// helmBug is what to do about helm/helm#31832.
const helmBug = "Helm up to 4.3 cannot hand manifests to WebAssembly post-renderers (helm/helm#31832). Run the plugin through " +
	"Windlass instead: install the package with `runtime: subprocess`, or use `windlass run PLUGIN` as the post-renderer"

func (e *extism) input() ([]byte, []string, error) {
	text := load(inputLength(), inputLoadU64, inputLoadU8)
	if at := invalid(text); at > 0 {
		return nil, nil, &ConfigError{"the message is not UTF-8"}
	}
	var message struct {
		Manifests json.RawMessage `json:"manifests"`
		ExtraArgs []string        `json:"extraArgs"`
	}
	if err := json.Unmarshal(text, &message); err != nil {
		return nil, nil, &ConfigError{fmt.Sprintf("the message is not Helm's: %v", err)}
	}
	switch raw := string(bytes.TrimSpace(message.Manifests)); raw {
	case "", "null", "{}":
		return nil, nil, &ConfigError{"the message has no `manifests`. " + helmBug}
	}
	var stream string
	if err := json.Unmarshal(message.Manifests, &stream); err != nil {
		return nil, nil, &ConfigError{"`manifests` is no text: expected the manifest stream"}
	}
	if stream != "" && !strings.ContainsAny(stream, ":\n") {
		if decoded, err := base64.StdEncoding.DecodeString(stream); err == nil {
			return decoded, message.ExtraArgs, nil
		}
	}
	return []byte(stream), message.ExtraArgs, nil
}

func (e *extism) config(key string) (string, bool) {
	block := configGet(store([]byte(key)))
	if block == 0 {
		return "", false
	}
	at := func(offset uint64) uint64 { return loadU64(block + offset) }
	return string(load(length(block), at, func(offset uint64) uint32 { return loadU8(block + offset) })), true
}

func (e *extism) log(level Level, message string) {
	functions := [...]func(uint64){logTrace, logDebug, logInfo, logWarn, logError}
	functions[min(max(level, Trace), Error)](store([]byte(message)))
}

func (e *extism) answer(stream []byte) error {
	var message bytes.Buffer
	encoder := json.NewEncoder(&message)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]string{"manifests": string(stream)}); err != nil {
		return err
	}
	outputSet(store(message.Bytes()), uint64(message.Len()))
	return nil
}

func (e *extism) fail(_ int, message string) { errorSet(store([]byte(message))) }

func (e *extism) end(code int) { e.code = code }

// raw is Windlass, which writes the stream into this program's memory and reads the answer there.
type raw struct {
	extism
	stream []byte
	args   []byte
	output []byte
}

// handed are buffers that Windlass fills, by their addresses. What is in a map is not collected.
var handed = map[int32][]byte{}

// last keeps the answer until it was read.
var last []byte

func address(buffer []byte) int32 { return int32(uintptr(unsafe.Pointer(unsafe.SliceData(buffer)))) }

// Alloc is what the export `windlass_alloc` returns: a place for that many bytes.
func Alloc(length int32) int32 {
	buffer := make([]byte, max(length, 1))
	handed[address(buffer)] = buffer[:max(length, 0)]
	return address(buffer)
}

// Render is what the export `windlass_render` returns: main runs, with what Windlass wrote into two of [Alloc]'s places
// as its input.
func Render(main func(), stream, streamLength, args, argsLength int32) int64 {
	host := &raw{extism: extism{code: codeRefused}, stream: taken(stream, streamLength), args: taken(args, argsLength)}
	current = host
	main()
	if host.code != codeOK {
		return int64(-host.code)
	}
	last = host.output
	return int64(address(last))<<32 | int64(len(last))
}

func taken(place, length int32) []byte {
	buffer := handed[place]
	delete(handed, place)
	return buffer[:min(int(length), len(buffer))]
}

func (r *raw) input() ([]byte, []string, error) {
	var args []string
	if len(r.args) > 0 {
		if err := json.Unmarshal(r.args, &args); err != nil {
			return nil, nil, &ConfigError{fmt.Sprintf("the extra arguments are no list of texts: %v", err)}
		}
	}
	return r.stream, args, nil
}

func (r *raw) answer(stream []byte) error {
	r.output = stream
	return nil
}
