package main

import (
	"strings"
	"testing"

	windlass "github.com/windlass-dev/windlass/pdk/go"
	"github.com/windlass-dev/windlass/pdk/go/windlasstest"
)

// Every folder in tests/cases is a stream, a configuration and what must come of them.
func TestCases(t *testing.T) { windlasstest.Cases(t, render) }

func TestMetadata(t *testing.T) { windlasstest.Metadata(t, Settings{}) }

func TestItWarns(t *testing.T) {
	input := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 1\n"
	_, log, err := windlass.RunOn(render, input, "annotations: {team: payments}")
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 1 || !strings.HasPrefix(log[0], "Deployment/web (line 6): spec.replicas: one replica") {
		t.Fatalf("it said %q", log)
	}
}
