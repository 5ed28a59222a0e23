import assert from "node:assert/strict";
import { test } from "node:test";
import { KeySpace } from "./key-space.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (of: string): Uint8Array => new TextEncoder().encode(of);

test("keys lie at /registry, or where it was moved to", () => {
  const cases = [
    [undefined, "/registry/pods/default/a", "/registry/pods/default/a"],
    ["/registry", "/elsewhere", "/elsewhere"],
    ["registry/", "/registry/pods/default/a", "/registry/pods/default/a"],
    ["/kubernetes.io", "/registry/pods/default/a", "/kubernetes.io/pods/default/a"],
    ["clusters/b/", "/registry/pods/default/a", "/clusters/b/pods/default/a"],
    ["/registry/nested", "/registry/pods/default/a", "/registry/nested/pods/default/a"],
  ] as const;
  for (const [prefix, key, place] of cases) {
    const space = new KeySpace(prefix);
    assert.equal(text(space.encode(key)), place);
    assert.equal(space.decode(bytes(place)), key);
  }
});

test("what lies outside of a moved /registry is somebody else's", () => {
  const space = new KeySpace("/b");
  for (const place of ["/registry/pods/default/a", "/bb/pods/a", "/b", "compact_rev_key"]) assert.equal(space.decode(bytes(place)), undefined, place);
  assert.throws(() => space.encode("/other"), TypeError);
  const prefixes = [["", "/b/"], ["/", "/b/"], ["/registry/", "/b/"], ["/registry/pods/", "/b/pods/"]] as const;
  for (const [prefix, place] of prefixes) assert.equal(text(space.encodePrefix(prefix)), place);
  assert.equal(new KeySpace().encodePrefix("").length, 0);
  for (const empty of ["", "/", "//"]) assert.throws(() => new KeySpace(empty), TypeError, empty);
});
