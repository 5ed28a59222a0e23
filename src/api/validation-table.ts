import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorText, type FieldError } from "../apimachinery/field-error.ts";
import { apiVersionOf, type KubeObject } from "../apimachinery/object.ts";
import type { Resource } from "./resource.ts";

/**
 * What the tests of kinds are written in: tables of objects, each with exactly the errors that it gets. Objects are given without their
 * apiVersion, kind and usual metadata, and go through defaulting as in the server.
 */
export type Loose = Readonly<Record<string, unknown>>;
export type CreateCase = readonly [what: string, object: Loose, errors: readonly string[]];
export type UpdateCase = readonly [what: string, previous: Loose, next: Loose, errors: readonly string[]];

export function objectOf({ type }: Resource, own: Loose): KubeObject {
  const { metadata, ...rest } = own as { readonly metadata?: Loose };
  return {
    apiVersion: apiVersionOf(type), kind: type.kind,
    metadata: { name: "a", ...(type.namespaced && { namespace: "default" }), uid: "u", resourceVersion: "1", ...metadata }, ...rest,
  };
}

const textsOf = (errors: Iterable<FieldError>): string[] => [...errors].map(fieldErrorText);

/** The object as it is stored; a status that the table gives is kept, as if a controller had written it. */
export function stored(resource: Resource, own: Loose): KubeObject {
  const object = resource.prepareForCreate(resource.defaults(objectOf(resource, own)));
  return "status" in own ? { ...object, status: own["status"] } as KubeObject : object;
}

export function testCreates<T extends KubeObject>(resource: Resource<T>, cases: readonly CreateCase[]): void {
  const untyped = resource as unknown as Resource;
  for (const [what, own, errors] of cases) {
    test(`creating a ${resource.type.kind}: ${what}`, () => assert.deepEqual(textsOf(untyped.validate(untyped.prepareForCreate(untyped.defaults(objectOf(untyped, own))))), errors));
  }
}

/** Names come with `generateName` too, where rules differ a little; only whole names are looked at here. */
export function testNames<T extends KubeObject>(resource: Resource<T>, good: readonly string[], bad: readonly string[]): void {
  test(`names of a ${resource.type.kind}`, () => {
    for (const name of good) assert.deepEqual(resource.validateName(name, { prefix: false }), [], name);
    for (const name of bad) assert.notDeepEqual(resource.validateName(name, { prefix: false }), [], name);
  });
}

/** `subresource` names another way of writing than the main one. */
export function testUpdates<T extends KubeObject>(resource: Resource<T>, cases: readonly UpdateCase[], subresource?: string): void {
  const untyped = resource as unknown as Resource;
  const way = subresource === undefined ? untyped : untyped.subresources[subresource];
  assert.ok(way);
  for (const [what, previous, next, errors] of cases) {
    test(`updating ${subresource ?? "the whole"} of a ${resource.type.kind}: ${what}`, () => {
      const before = stored(untyped, previous);
      assert.deepEqual(textsOf(way.validateUpdate(way.prepareForUpdate(untyped.defaults(objectOf(untyped, next)), before), before)), errors);
    });
  }
}

export function testWarnings<T extends KubeObject>(resource: Resource<T>, cases: readonly (readonly [what: string, object: Loose, warnings: readonly string[]])[]): void {
  const untyped = resource as unknown as Resource;
  for (const [what, own, warnings] of cases) {
    test(`warning of a ${resource.type.kind}: ${what}`, () => assert.deepEqual(untyped.warningsOnCreate(untyped.defaults(objectOf(untyped, own))), warnings));
  }
}
