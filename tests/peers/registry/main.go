// A registry with the referrers API, in memory, for the tests: `registry ADDRESS` prints the address it listens on.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(os.Stderr, "", 0)))))
}
