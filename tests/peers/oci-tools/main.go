// Program oci-tools is the registries and the registry tools that the tests compare Windlass with, in one program: what
// they share is compiled and linked once, and what no test asks of them (clouds, key services) is left out. It is the
// one by whose name it was started:
//
//	distribution serve CONFIG      CNCF Distribution, with the file system alone as its storage
//	registry ADDRESS               a registry with the referrers API, in memory; prints the address it listens on
//	crane ARGUMENT...              crane, whole
//	oras ARGUMENT...               oras, whole
//	cosign FORM KEY REFERENCE      what `cosign sign --key` does without any of Sigstore's services, see sign.go
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	distribution "github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	crane "github.com/google/go-containerregistry/cmd/crane/cmd"
	"github.com/google/go-containerregistry/pkg/logs"
	"github.com/google/go-containerregistry/pkg/registry"
	oras "oras.land/oras/cmd/oras/root"
)

func main() {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if err := run(name, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

func run(name string, arguments []string) error {
	switch name {
	case "distribution":
		return distribution.RootCmd.Execute()
	case "registry":
		return referrers(arguments)
	case "crane":
		logs.Warn.SetOutput(os.Stderr)
		logs.Progress.SetOutput(os.Stderr)
		return crane.Root.Execute()
	case "oras":
		return oras.New().Execute()
	case "cosign":
		return sign(context.Background(), arguments)
	default:
		return fmt.Errorf("there is no tool %q: start it as distribution, registry, crane, oras or cosign", name)
	}
}

func referrers(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("registry takes an address, not %q", arguments)
	}
	listener, err := net.Listen("tcp", arguments[0])
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	errors := log.New(os.Stderr, "", 0)
	return http.Serve(listener, registry.New(registry.WithReferrersSupport(true), registry.Logger(errors)))
}
