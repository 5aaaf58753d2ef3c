package deploy

import "helm.sh/helm/v3/pkg/action"

// Options are given to helm --post-renderer.
type Options struct {
	PostRenderer string
}

func Deploy(cfg *action.Configuration) {
	i := action.NewInstall(cfg)
	i.PostRenderer = nsRenderer{ns: "x"}
}
