//go:build wasip1 && !command

package main

import windlass "github.com/windlass-dev/windlass/pdk/go"

// What Helm's engine calls.
//
//go:wasmexport helm_plugin_main
func helmPluginMain() int32 { return windlass.Call(main) }

// What Windlass calls instead, as it is faster.
//
//go:wasmexport windlass_render
func windlassRender(stream, streamLength, args, argsLength int32) int64 {
	return windlass.Render(main, stream, streamLength, args, argsLength)
}

//go:wasmexport windlass_alloc
func windlassAlloc(length int32) int32 { return windlass.Alloc(length) }
