package main

import "testing"

func TestRefused(t *testing.T) {
	err := run("helm", []string{"upgrade", "--post-renderer", "./evil.sh"})
	if err == nil {
		t.Fatal("expected error: the flag is not supported")
	}
}
