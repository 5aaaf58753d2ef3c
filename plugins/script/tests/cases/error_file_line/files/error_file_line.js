// one
// two
manifests[0].spec.a.b = 1;
