package deploy

import "bytes"

type nsRenderer struct{ ns string }

func (r nsRenderer) Run(b *bytes.Buffer) (*bytes.Buffer, error) {
	obj.SetNamespace(r.ns)
	obj["namespace"] = r.ns
	return b, nil
}
