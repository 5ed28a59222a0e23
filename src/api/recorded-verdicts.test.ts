import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fieldErrorText } from "../apimachinery/field-error.ts";
import { resources } from "./all.ts";
import { DecodeError, decodeStrict } from "../apimachinery/strict-decoding.ts";
import type { Resource } from "./resource.ts";
import { schemas } from "./schemas.ts";
import { objectOf, type Loose } from "./validation-table.ts";

/**
 * Objects of ours, made by chance, with what the strategies of upstream's 1.36 said of them when they were given to its own code: the whole
 * list of errors, in order. They keep what a comparison by thousands of such objects has brought into line.
 */
interface Verdict {
  /** "group/version/plural". */
  readonly of: string;
  readonly subresource?: string;
  /** What the update replaces; absent on create. */
  readonly old?: Loose;
  readonly object: Loose;
  /** Why the object cannot be decoded; what is absent otherwise. */
  readonly decode?: string;
  readonly errors?: readonly string[];
}

const verdicts = JSON.parse(readFileSync(new URL("../../test/golden/verdicts.json", import.meta.url), "utf8")) as readonly Verdict[];
const byName = new Map((resources as readonly Resource[]).map((resource) => [`${resource.type.group}/${resource.type.version}/${resource.type.plural}`, resource]));
const created = { creationTimestamp: "1970-01-01T00:00:01Z" };
const whole = (own: Loose): Loose => ({ ...own, metadata: { ...created, ...(own["metadata"] as Loose | undefined) } });

function errorsOf(resource: Resource, { subresource, old, object }: Verdict): readonly string[] {
  const next = resource.defaults(objectOf(resource, whole(object)));
  if (old === undefined) return [...resource.validate(resource.prepareForCreate(next))].map(fieldErrorText);
  const way = subresource === undefined ? resource : resource.subresources[subresource];
  assert.ok(way);
  const before = resource.defaults(objectOf(resource, whole(old)));
  return [...way.validateUpdate(way.prepareForUpdate(next, before), before)].map(fieldErrorText);
}

/** The object as the server would decode it, or why it would not. */
function decoded({ type: { group, version, kind } }: Resource, object: Loose): { readonly object: Loose; readonly problem?: string } {
  const schema = schemas.kind(group, version, kind);
  assert.ok(schema);
  try {
    return { object: decodeStrict(object, schema, { schemas }).object };
  } catch (error) {
    assert.ok(error instanceof DecodeError);
    return { object, problem: error.message };
  }
}

for (const [name, own] of Map.groupBy(verdicts, (verdict) => verdict.of)) {
  test(`what upstream says of ${name}`, () => {
    const resource = byName.get(name);
    assert.ok(resource);
    for (const verdict of own) {
      const { object, problem } = decoded(resource, verdict.object);
      assert.equal(problem, verdict.decode, JSON.stringify(verdict));
      if (!verdict.errors) continue;
      const given: Verdict = { ...verdict, object, ...(verdict.old && { old: decoded(resource, verdict.old).object }) };
      assert.deepEqual([...new Set(errorsOf(resource, given))], verdict.errors, JSON.stringify(verdict));
    }
  });
}
