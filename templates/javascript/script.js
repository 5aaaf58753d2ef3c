// @ts-check
/// <reference path="./windlass.d.ts" />

// Change the objects of the release: in place, by push and splice, or by another array in `manifests`. What is left alone
// stays byte for byte.

for (const object of manifests) {
  object.metadata ??= {};
  object.metadata.labels = { ...object.metadata.labels, team: args.team };
}

// `throw` refuses the release.
for (const object of manifests) {
  const containers = object.spec?.template?.spec?.containers ?? [];
  for (const container of containers) {
    if (!container.image?.includes("@") && /(^|\/)[^/:]+(:latest)?$/.test(container.image ?? "")) {
      throw new Error(`${object.kind}/${object.metadata?.name}: ${container.image} has no fixed tag`);
    }
  }
}

console.log(`labelled ${manifests.length} objects`);
