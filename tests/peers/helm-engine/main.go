// Command helm-engine runs a post-renderer plugin the way Helm 4 runs one with `runtime: extism/v1`: the same Extism Go
// SDK and wazero (see go.mod), the same settings (Helm's internal/plugin/runtime_extismv1.go), the same checks of the
// answer (pkg/postrenderer). One thing differs: `manifests` is a plain JSON string both ways. That is the fix Helm
// lacks (helm/helm#31832: a *bytes.Buffer encodes to `{}`), and `-message released` sends what released Helm sends.
//
//	helm-engine [flags] PLUGIN [EXTRA_ARG...] <stream >stream
//
// PLUGIN is a .wasm file or a plugin folder. A folder whose plugin.yaml says `runtime: extism/v1` is run with its
// runtimeConfig; any other folder, and a .wasm file, with Helm's defaults.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"go.yaml.in/yaml/v3"
)

// runtimeConfig holds the fields of an extism/v1 plugin.yaml that decide how the module runs.
type runtimeConfig struct {
	Memory struct {
		MaxPages             uint32 `yaml:"maxPages"`
		MaxHTTPResponseBytes int64  `yaml:"maxHttpResponseBytes"`
		MaxVarBytes          int64  `yaml:"maxVarBytes"`
	} `yaml:"memory"`
	Config       map[string]string `yaml:"config"`
	AllowedHosts []string          `yaml:"allowedHosts"`
	FileSystem   struct {
		CreateTempDir bool `yaml:"createTempDir"`
	} `yaml:"fileSystem"`
	Timeout       uint64   `yaml:"timeout"`
	HostFunctions []string `yaml:"hostFunctions"`
	EntryFuncName string   `yaml:"entryFuncName"`
}

// plugin is what one run needs to know.
type plugin struct {
	name    string
	wasm    string
	runtime runtimeConfig
	cache   wazero.CompilationCache
}

// keyValues collects repeated `-config K=V` flags.
type keyValues map[string]string

func (k keyValues) String() string { return fmt.Sprint(map[string]string(k)) }

func (k keyValues) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found {
		return fmt.Errorf("%q has no `=`", text)
	}
	k[key] = value
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run() error {
	config := keyValues{}
	flag.Var(config, "config", "one Extism config entry, KEY=VALUE; repeatable")
	maxPages := flag.Uint("max-pages", 0, "limit of the guest's memory in 64 KiB pages; 0 keeps the plugin's own")
	timeout := flag.Uint64("timeout", 0, "limit of one call in milliseconds; 0 keeps the plugin's own")
	cacheDir := flag.String("cache", "", "folder for compiled code, as Helm's <cache>/wazero-build; empty compiles afresh")
	message := flag.String("message", "string", "how the stream is sent: string, base64, or released (`{}`, helm/helm#31832)")
	repeat := flag.Int("repeat", 1, "run so often in this process, as Helm would; the last answer is printed")
	times := flag.Bool("times", false, "print the milliseconds of each run as a JSON list on stderr")
	flag.Parse()
	if flag.NArg() < 1 {
		return errors.New("which plugin? usage: helm-engine [flags] PLUGIN [EXTRA_ARG...] <stream >stream")
	}

	p, err := open(flag.Arg(0))
	if err != nil {
		return err
	}
	if p.runtime.Config == nil {
		p.runtime.Config = map[string]string{}
	}
	for key, value := range config {
		p.runtime.Config[key] = value
	}
	if *maxPages > 0 {
		p.runtime.Memory.MaxPages = uint32(*maxPages)
	}
	if *timeout > 0 {
		p.runtime.Timeout = *timeout
	}
	if *cacheDir == "" {
		p.cache = wazero.NewCompilationCache()
	} else if p.cache, err = wazero.NewCompilationCacheWithDir(*cacheDir); err != nil {
		return fmt.Errorf("cannot use the cache folder %s: %w", *cacheDir, err)
	}

	stream, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	input, err := encode(*message, stream, flag.Args()[1:])
	if err != nil {
		return err
	}

	var output []byte
	milliseconds := []float64{}
	for range max(*repeat, 1) {
		start := time.Now()
		output, err = p.invoke(context.Background(), input)
		if err != nil {
			return fmt.Errorf("error while running post render on files: failed to invoke post-renderer plugin %q: %w", p.name, err)
		}
		milliseconds = append(milliseconds, float64(time.Since(start).Microseconds())/1000)
	}
	if len(bytes.TrimSpace(output)) == 0 {
		return fmt.Errorf("error while running post render on files: post-renderer %q produced empty output", p.name)
	}
	if *times {
		if err := json.NewEncoder(os.Stderr).Encode(milliseconds); err != nil {
			return err
		}
	}
	_, err = os.Stdout.Write(output)
	return err
}

// open finds the module and, for a folder, what its plugin.yaml says.
func open(path string) (*plugin, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return &plugin{name: strings.TrimSuffix(filepath.Base(path), ".wasm"), wasm: path}, nil
	}
	text, err := os.ReadFile(filepath.Join(path, "plugin.yaml"))
	if err != nil {
		return nil, err
	}
	var metadata struct {
		Name          string    `yaml:"name"`
		Runtime       string    `yaml:"runtime"`
		RuntimeConfig yaml.Node `yaml:"runtimeConfig"`
	}
	if err := yaml.Unmarshal(text, &metadata); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, "plugin.yaml"), err)
	}
	p := &plugin{name: metadata.Name, wasm: filepath.Join(path, "plugin.wasm")}
	if metadata.Runtime == "extism/v1" && !metadata.RuntimeConfig.IsZero() {
		if err := metadata.RuntimeConfig.Decode(&p.runtime); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(path, "plugin.yaml"), err)
		}
	}
	return p, nil
}

// encode writes the input message.
func encode(kind string, stream []byte, extraArgs []string) ([]byte, error) {
	var manifests any
	switch kind {
	case "string":
		manifests = string(stream)
	case "base64":
		manifests = base64.StdEncoding.EncodeToString(stream)
	case "released":
		manifests = bytes.NewBuffer(stream)
	default:
		return nil, fmt.Errorf("unknown message kind %q: string, base64 or released", kind)
	}
	return json.Marshal(struct {
		Manifests any      `json:"manifests"`
		ExtraArgs []string `json:"extraArgs"`
	}{manifests, extraArgs})
}

// invoke makes a fresh instance and calls it once, as Helm does for every render.
func (p *plugin) invoke(ctx context.Context, input []byte) ([]byte, error) {
	allowedHosts := p.runtime.AllowedHosts
	if allowedHosts == nil {
		allowedHosts = []string{}
	}
	allowedPaths := map[string]string{}
	if p.runtime.FileSystem.CreateTempDir {
		dir, err := os.MkdirTemp("", "helm-plugin-*")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		allowedPaths[dir] = "/tmp"
	}
	if len(p.runtime.HostFunctions) > 0 {
		// Helm registers none, so any name fails there as well.
		return nil, fmt.Errorf("plugin requested host function %q not found", p.runtime.HostFunctions[0])
	}
	instance, err := extism.NewPlugin(ctx, extism.Manifest{
		Wasm: []extism.Wasm{extism.WasmFile{Path: p.wasm, Name: p.wasm}},
		Memory: &extism.ManifestMemory{
			MaxPages:             p.runtime.Memory.MaxPages,
			MaxHttpResponseBytes: p.runtime.Memory.MaxHTTPResponseBytes,
			MaxVarBytes:          p.runtime.Memory.MaxVarBytes,
		},
		Config:       p.runtime.Config,
		AllowedHosts: allowedHosts,
		AllowedPaths: allowedPaths,
		Timeout:      p.runtime.Timeout,
	}, extism.PluginConfig{
		ModuleConfig:              wazero.NewModuleConfig().WithSysWalltime(),
		RuntimeConfig:             wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(true).WithCompilationCache(p.cache),
		EnableWasi:                true,
		EnableHttpResponseHeaders: true,
	}, nil)
	if err != nil {
		return nil, fmt.Errorf("failed to create existing plugin: %w", err)
	}
	// Helm never closes an instance; a process that runs many has to.
	defer instance.Close(ctx)

	entry := p.runtime.EntryFuncName
	if entry == "" {
		entry = "helm_plugin_main"
	}
	code, answer, err := instance.Call(entry, input)
	if err != nil {
		return nil, fmt.Errorf("plugin error: %w", err)
	}
	if code != 0 {
		// Helm prints a Go panic's text here, as its error has no cause.
		return nil, fmt.Errorf("plugin returned %d without an error text", code)
	}
	var output struct {
		Manifests *string `json:"manifests"`
	}
	if err := json.Unmarshal(answer, &output); err != nil {
		return nil, fmt.Errorf("failed to json marshal plugin output message: %w", err)
	}
	if output.Manifests == nil {
		// Helm crashes on a nil pointer here.
		return nil, errors.New("plugin answered without `manifests`")
	}
	return []byte(*output.Manifests), nil
}
