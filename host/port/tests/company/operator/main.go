package main

import (
	"bytes"
	"os/exec"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/postrender"
)

// client.PostRenderer = &commented{}
type labeller struct{ labels map[string]string }

// Run adds labels.
func (l *labeller) Run(in *bytes.Buffer) (*bytes.Buffer, error) {
	out := &bytes.Buffer{}
	for _, doc := range split(in.String()) {
		doc.Metadata["labels"] = l.labels
		out.WriteString(doc.String())
	}
	return out, nil
}

func install(cfg *action.Configuration, path string) error {
	client := action.NewInstall(cfg)
	client.PostRenderer = &labeller{labels: map[string]string{"team": "x"}}
	return nil
}

func upgrade(cfg *action.Configuration) error {
	client := action.NewUpgrade(cfg)
	pr, err := postrender.NewExec("./scripts/render.sh")
	if err != nil {
		return err
	}
	client.PostRenderer = pr
	return exec.Command("helm", "upgrade", "a", "./a", "--post-renderer", "./bin/renderer").Run()
}
