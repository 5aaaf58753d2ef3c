// What stands around a script: run before it, with the objects as JSON; answers with a function that is called behind it
// and tells which object became what.
(text, values) => {
  "use strict";
  const { parse, stringify } = JSON;
  const before = parse(text);
  const places = new Map(before.map((object, place) => [object, place]));
  const texts = before.map((object) => stringify(object));
  const placeOf = Map.prototype.get.bind(places);
  // What cannot be written as JSON is not what it was.
  const isSame = (object, place) => {
    try {
      return stringify(object) === texts[place];
    } catch {
      return false;
    }
  };
  globalThis.manifests = before;
  for (const [name, value] of Object.entries(values)) globalThis[name] = value;
  return () => {
    const after = globalThis.manifests;
    if (!Array.isArray(after)) throw new TypeError("`manifests` is no array any more");
    return Array.from(after, (object) => {
      const place = placeOf(object) ?? -1;
      return [object, place, place >= 0 && isSame(object, place)];
    });
  };
}
