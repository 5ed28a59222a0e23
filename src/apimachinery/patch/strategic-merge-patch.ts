import { goText, goTypeText } from "../go-text.ts";
import type { ObjectSchema, SchemaLookup, TypeSchema } from "../schema.ts";
import { badRequest, StatusError } from "../status-error.ts";
import { isJsonObject, jsonEqual, type JsonObject } from "./json-value.ts";

/**
 * Strategic merge patches: merge patches that know from the schema which lists are merged and by which key. Directives inside of a patch:
 * `$patch` (replace, delete, merge), `$retainKeys`, `$setElementOrder/<field>`, `$deleteFromPrimitiveList/<field>`.
 * Source: "Update API Objects in Place Using kubectl patch" of the documentation, and the design proposals that it names.
 */
const directive = "$patch";
const retainKeysDirective = "$retainKeys";
const deleteListPrefix = "$deleteFromPrimitiveList";
const orderPrefix = "$setElementOrder";

type List = readonly unknown[];
type MutableObject = Record<string, unknown>;

/** Upstream answers these without a reason and with 500, as if they were its own fault; they are the client's. Clients that show the reason show what they always did. */
const unexpected = (message: string): StatusError => new StatusError("", message, { code: 400 });
const noMergeKey = (item: unknown, key: string) => unexpected(`map: ${goText(item)} does not contain declared merge key: ${key}`);
const badArgument = (expected: string, actual: unknown) => unexpected(`expected a ${expected}, but received a ${goTypeText(actual)}`);
const badPrimitiveList = () => badRequest("invalid patch format of primitive list");
const badRetainKeys = () => badRequest("invalid patch format of retainKeys");
const badElementOrder = () => badRequest("invalid patch format of setElementOrder list");
const noListOfLists = () => new StatusError("Invalid", "the server rejected our request due to an error in our request", { code: 422, details: {}, cause: "lists of lists are not supported" });

const mapText = "map[string]interface {}";
function asObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw badArgument(mapText, value);
  return value;
}
function asList(value: unknown): List {
  if (!Array.isArray(value)) throw badArgument("[]interface {}", value);
  return value;
}

interface FieldMeta {
  readonly type: TypeSchema;
  readonly strategy: string;
  readonly retainKeys: boolean;
  readonly mergeKey: string;
}

interface MergeOptions {
  /** Whether lists of deletions and orders are carried out, or kept because what they are merged into is a patch itself. */
  readonly mergeParallelList: boolean;
  /** Whether null for what is not there says nothing, or is kept. */
  readonly ignoreUnmatchedNulls: boolean;
}

interface DiffOptions {
  readonly ignoreDeletions: boolean;
  readonly ignoreChangesAndAdditions: boolean;
  readonly setElementOrder: boolean;
  readonly retainKeys: boolean;
}

/** What is compared when elements of a list are told apart: the merge key of maps, else the element itself. */
const identityOf = (item: unknown, mergeKey: string): unknown => (mergeKey !== "" && isJsonObject(item) ? item[mergeKey] : item);

/** Positions by identity; the first counts. */
function positionsOf(list: List, mergeKey: string): ReadonlyMap<unknown, number> {
  const positions = new Map<unknown, number>();
  for (const [index, item] of list.entries()) {
    const identity = identityOf(item, mergeKey);
    if (!positions.has(identity)) positions.set(identity, index);
  }
  return positions;
}

/** Whether the elements are maps; throws when elements are of different types, or lists. */
function elementsAreMaps(...lists: readonly List[]): boolean {
  let kind: string | undefined;
  for (const list of lists) for (const item of list) {
    if (Array.isArray(item)) throw noListOfLists();
    const itemKind = goTypeText(item);
    if (kind !== undefined && kind !== itemKind) throw unexpected(`list element types are not identical: ${goText(lists)}`);
    kind = itemKind;
  }
  if (kind === undefined) throw unexpected("no elements in any of the given slices");
  return kind === mapText;
}

function requireMergeKey(mergeKey: string, ...lists: readonly List[]): void {
  for (const list of lists) for (const item of list) if (!Object.hasOwn(asObject(item), mergeKey)) throw noMergeKey(item, mergeKey);
}

const isDeletion = (item: unknown): boolean => isJsonObject(item) && item[directive] === "delete";

/** Sorts by the order of another list, keeping deletions last. Elements that the order does not know move to the front. */
function sortByOrder(list: List, order: List, mergeKey: string, maps: boolean): unknown[] {
  if (maps) requireMergeKey(mergeKey, list, order);
  const positions = positionsOf(order, mergeKey);
  const sorted: { readonly item: unknown; readonly position: number | undefined }[] = [];
  const deletions: unknown[] = [];
  for (const item of list) {
    if (maps && isDeletion(item)) {
      deletions.push(item);
      continue;
    }
    const position = positions.get(identityOf(item, mergeKey));
    let at = sorted.length;
    while (at > 0) {
      const before = sorted[at - 1]?.position;
      if (position !== undefined && before !== undefined && position >= before) break;
      at--;
    }
    sorted.splice(at, 0, { item, position });
  }
  return [...sorted.map(({ item }) => item), ...deletions];
}

/** Weaves the elements that only the server has into those of the patch, by the order that the server has them in. */
function weave(patch: List, serverOnly: List, patchOrder: List, serverOrder: List, mergeKey: string, maps: boolean): unknown[] {
  const right = sortByOrder(patch, patchOrder, mergeKey, maps);
  const left = sortByOrder(serverOnly, serverOrder, mergeKey, maps);
  const positions = positionsOf(serverOrder, mergeKey);
  const result: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < left.length && j < right.length) {
    const leftPosition = positions.get(identityOf(left[i], mergeKey));
    const rightPosition = positions.get(identityOf(right[j], mergeKey));
    if (leftPosition !== undefined && rightPosition !== undefined && leftPosition < rightPosition) result.push(left[i++]);
    else result.push(right[j++]);
  }
  return [...result, ...left.slice(i), ...right.slice(j)];
}

function partition(list: List, by: List, mergeKey: string): { readonly inside: unknown[]; readonly outside: unknown[] } {
  if (mergeKey !== "") requireMergeKey(mergeKey, list);
  const known = positionsOf(by, mergeKey);
  const [inside, outside]: [unknown[], unknown[]] = [[], []];
  for (const item of list) (known.has(identityOf(item, mergeKey)) ? inside : outside).push(item);
  return { inside, outside };
}

/** The value without directives; undefined when the value is a directive itself. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((each) => each !== undefined);
  if (!isJsonObject(value)) return value;
  if (Object.hasOwn(value, directive)) return undefined;
  const kept: MutableObject = {};
  for (const [key, each] of Object.entries(value)) {
    const plain = withoutDirectives(each);
    if (plain !== undefined) kept[key] = plain;
  }
  return kept;
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  const kept: MutableObject = {};
  for (const [key, each] of Object.entries(value)) if (each !== null) kept[key] = withoutNulls(each);
  return kept;
}

const scalarText = (value: unknown): string => goText(value);
const sortScalars = (list: List): unknown[] => list.toSorted((a, b) => (scalarText(a) < scalarText(b) ? -1 : scalarText(a) > scalarText(b) ? 1 : 0));

function keyAfter(text: string, prefix: string): string {
  if (!text.startsWith(`${prefix}/`)) throw prefix === orderPrefix ? badElementOrder() : badPrimitiveList();
  return text.slice(prefix.length + 1);
}

class StrategicMerge {
  readonly #schemas: SchemaLookup;

  constructor(schemas: SchemaLookup) {
    this.#schemas = schemas;
  }

  #field(type: TypeSchema, key: string): FieldMeta {
    if (type.is === "map") return { type: type.of, strategy: "", retainKeys: false, mergeKey: "" };
    const object = type.is === "ref" ? this.#schemas.type(type.name) : undefined;
    const field = object && Object.hasOwn(object.fields, key) ? object.fields[key] : undefined;
    if (!field) throw unexpected(`unable to find api field in struct ${type.is === "ref" ? type.name.slice(type.name.lastIndexOf(".") + 1) : "Unstructured"} for the json field ${JSON.stringify(key)}`);
    const strategies = field.patchStrategy === undefined ? [] : field.patchStrategy.split(",");
    return {
      type: field.type, mergeKey: field.patchMergeKey ?? "", retainKeys: strategies.includes("retainKeys"),
      strategy: strategies.find((strategy) => strategy !== "retainKeys") ?? "",
    };
  }

  #list(type: TypeSchema, key: string): FieldMeta {
    const field = this.#field(type, key);
    return field.type.is === "list" ? { ...field, type: field.type.of } : field;
  }

  merge(original: JsonObject, patch: JsonObject, type: TypeSchema, options: MergeOptions): JsonObject {
    const wanted = Object.hasOwn(patch, directive) ? patch[directive] : undefined;
    if (wanted !== undefined) {
      if (wanted === "replace") return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== directive));
      if (wanted === "delete") return {};
      throw unexpected(`unknown patch type: ${goText(wanted)} in map: ${goText(patch)}`);
    }
    const result: MutableObject = { ...original };
    const rest: MutableObject = { ...patch };
    this.#retainKeys(result, rest, options);
    this.#elementOrders(result, rest, type, options);

    for (const [patchKey, value] of Object.entries(rest)) {
      const deletes = patchKey.startsWith(deleteListPrefix);
      if (deletes && !options.mergeParallelList) {
        result[patchKey] = value;
        continue;
      }
      const key = deletes ? keyAfter(patchKey, deleteListPrefix) : patchKey;
      if (value === null) {
        delete result[key];
        if (options.ignoreUnmatchedNulls) continue;
      }
      const before = Object.hasOwn(result, key) ? result[key] : undefined;
      if (isJsonObject(before) && isJsonObject(value)) {
        const field = this.#field(type, key);
        result[key] = field.strategy === "replace" ? value : this.merge(before, value, field.type, options);
      } else if (Array.isArray(before) && Array.isArray(value)) {
        const field = this.#list(type, key);
        result[key] = field.strategy === "merge" || deletes ? this.#mergeLists(before, value, field, deletes, options) : value;
      } else if (!deletes) {
        const taken = withoutDirectives(options.ignoreUnmatchedNulls ? withoutNulls(value) : value);
        if (taken === undefined) delete result[key];
        else result[key] = taken;
      }
    }
    return result;
  }

  #retainKeys(result: MutableObject, patch: MutableObject, options: MergeOptions): void {
    if (!Object.hasOwn(patch, retainKeysDirective)) return;
    const keys = patch[retainKeysDirective];
    delete patch[retainKeysDirective];
    if (!options.mergeParallelList) {
      const known = result[retainKeysDirective];
      if (known === undefined) result[retainKeysDirective] = keys;
      else if (!jsonEqual(known, keys)) throw unexpected(`${goText(known)} and ${goText(keys)} are not deep equal: this may happen when calculating the 3-way diff patch`);
      return;
    }
    if (!Array.isArray(keys)) throw badRetainKeys();
    const retained = new Set<unknown>(keys);
    for (const [key, value] of Object.entries(patch)) {
      if (value !== null && !key.startsWith(deleteListPrefix) && !key.startsWith(orderPrefix) && !retained.has(key)) throw badRetainKeys();
    }
    for (const key of Object.keys(result)) if (!retained.has(key)) delete result[key];
  }

  /** Carries out `$setElementOrder` together with the list that it is about, and takes both from the patch. */
  #elementOrders(result: MutableObject, patch: MutableObject, type: TypeSchema, options: MergeOptions): void {
    for (const directiveKey of Object.keys(patch).filter((key) => key.startsWith(orderPrefix))) {
      const orderValue = patch[directiveKey];
      if (!options.mergeParallelList) {
        const known = result[directiveKey];
        if (known === undefined) result[directiveKey] = orderValue;
        else if (!jsonEqual(known, orderValue)) throw badElementOrder();
      }
      delete patch[directiveKey];
      const order = asList(orderValue);
      const key = keyAfter(directiveKey, orderPrefix);
      const before = Object.hasOwn(result, key) ? asList(result[key]) : undefined;
      const change = Object.hasOwn(patch, key) ? asList(patch[key]) : undefined;
      const field = this.#list(type, key);
      checkOrder(change ?? [], order, field.mergeKey);
      let merged: List;
      if (before && change) merged = field.strategy === "merge" ? this.#mergeLists(before, change, field, false, options) : change;
      else if (change) merged = withoutDirectives(change) as List;
      else if (before) merged = before;
      else continue;
      const { inside, outside } = partition(merged, order, field.mergeKey);
      const maps = elementsAreMaps(before ?? [], change ?? []);
      result[key] = weave(inside, outside, order, before ?? [], field.mergeKey, maps);
      delete patch[key];
    }
  }

  #mergeLists(original: List, patch: List, field: FieldMeta, deletes: boolean, options: MergeOptions): List {
    if (original.length === 0 && patch.length === 0) return original;
    const { mergeKey } = field;
    const maps = elementsAreMaps(original, patch);
    if (!maps) {
      if (options.mergeParallelList && deletes) return original.filter((item) => !patch.includes(item));
      const merged = [...new Set([...original, ...patch])];
      const { inside, outside } = partition(merged, patch, mergeKey);
      return weave(inside, outside, patch, original, mergeKey, false);
    }
    if (mergeKey === "") throw unexpected(`cannot merge lists without merge key for ${field.type.is === "ref" ? field.type.name.slice(field.type.name.lastIndexOf(".") + 1) : ""}`);
    const { base, changes } = applySpecialElements(original, patch, mergeKey);
    const merged: unknown[] = [...base];
    const positions = new Map(positionsOf(merged, mergeKey));
    for (const change of changes) {
      const item = asObject(change);
      if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
      const at = positions.get(item[mergeKey]);
      if (at === undefined) {
        positions.set(item[mergeKey], merged.length);
        merged.push(change);
      } else merged[at] = this.merge(asObject(merged[at]), item, field.type, options);
    }
    const { inside, outside } = partition(merged, changes, mergeKey);
    return weave(inside, outside, changes, base, mergeKey, true);
  }

  diff(original: JsonObject, modified: JsonObject, type: TypeSchema, options: DiffOptions): JsonObject {
    const patch: MutableObject = {};
    const retained: string[] = [];
    for (const [key, value] of Object.entries(modified)) {
      if (options.retainKeys && value !== null) retained.push(key);
      const before = Object.hasOwn(original, key) ? original[key] : undefined;
      if (before === undefined) {
        if (!options.ignoreChangesAndAdditions) patch[key] = value;
      } else if (isJsonObject(before) && isJsonObject(value)) this.#diffObjects(patch, key, before, value, type, options);
      else if (Array.isArray(before) && Array.isArray(value)) this.#diffLists(patch, key, before, value, type, options);
      else if (!options.ignoreChangesAndAdditions && before !== value) patch[key] = value;
    }
    if (!options.ignoreDeletions) for (const key of Object.keys(original)) if (!Object.hasOwn(modified, key)) patch[key] = null;
    const cleared = Object.entries(original).some(([key, value]) => value !== null && !Object.hasOwn(modified, key));
    if (retained.length > 0 && (Object.keys(patch).length > 0 || cleared)) patch[retainKeysDirective] = retained.toSorted();
    return patch;
  }

  #diffObjects(patch: MutableObject, key: string, before: JsonObject, value: JsonObject, type: TypeSchema, options: DiffOptions): void {
    if (before === value || jsonEqual(before, value)) return;
    const field = this.#field(type, key);
    if (field.strategy === "replace") {
      if (!options.ignoreChangesAndAdditions) patch[key] = value;
      return;
    }
    const inner = this.diff(before, value, field.type, { ...options, retainKeys: field.retainKeys });
    if (Object.keys(inner).length > 0) patch[key] = inner;
  }

  #diffLists(patch: MutableObject, key: string, before: List, value: List, type: TypeSchema, options: DiffOptions): void {
    if (jsonEqual(before, value)) return;
    const field = this.#list(type, key);
    if (field.strategy !== "merge") {
      if (!options.ignoreChangesAndAdditions) patch[key] = value;
      return;
    }
    if (before.length === 0) {
      if (value.length > 0 && !options.ignoreChangesAndAdditions) patch[key] = value;
      return;
    }
    if (elementsAreMaps(before, value)) this.#diffMapLists(patch, key, before, value, field, options);
    else diffScalarLists(patch, key, before, value, options);
  }

  #diffMapLists(patch: MutableObject, key: string, before: List, value: List, field: FieldMeta, options: DiffOptions): void {
    const { mergeKey } = field;
    requireMergeKey(mergeKey, before, value);
    const old = new Map(before.map((item) => [scalarText(asObject(item)[mergeKey]), asObject(item)]));
    const changes: unknown[] = [];
    for (const item of value) {
      const element = asObject(item);
      const previous = old.get(scalarText(element[mergeKey]));
      if (!previous) {
        if (!options.ignoreChangesAndAdditions) changes.push(element);
        continue;
      }
      const inner = this.diff(previous, element, field.type, { ...options, retainKeys: field.retainKeys });
      if (Object.keys(inner).length > 0) changes.push({ ...inner, [mergeKey]: element[mergeKey] });
    }
    const kept = new Set(value.map((item) => scalarText(asObject(item)[mergeKey])));
    const deletions = options.ignoreDeletions ? [] : sortScalars([...old.keys()].filter((identity) => !kept.has(identity)))
      .map((identity) => ({ [directive]: "delete", [mergeKey]: old.get(identity as string)?.[mergeKey] }));
    const list = [...sortByOrder(changes, value, mergeKey, true), ...deletions];
    const sameOrder = before.length === value.length && value.every((item, index) => asObject(before[index])[mergeKey] === asObject(item)[mergeKey]);
    if (list.length > 0) patch[key] = list;
    if (options.setElementOrder && ((!options.ignoreChangesAndAdditions && (list.length > 0 || !sameOrder)) || (!options.ignoreDeletions && list.length > 0))) {
      if (value.length > 0) patch[`${orderPrefix}/${key}`] = value.map((item) => ({ [mergeKey]: asObject(item)[mergeKey] }));
    }
  }
}

function diffScalarLists(patch: MutableObject, key: string, before: List, value: List, options: DiffOptions): void {
  const [old, wanted] = [new Set(before), new Set(value)];
  const added = options.ignoreChangesAndAdditions ? [] : value.filter((item) => !old.has(item));
  const removed = options.ignoreDeletions ? [] : sortScalars([...old].filter((item) => !wanted.has(item)));
  if (added.length > 0) patch[key] = sortByOrder(added, value, "", false);
  if (removed.length > 0) patch[`${deleteListPrefix}/${key}`] = removed;
  if (options.setElementOrder && value.length > 0 && ((!options.ignoreDeletions && removed.length > 0) || !options.ignoreChangesAndAdditions)) patch[`${orderPrefix}/${key}`] = value;
}

/** The elements of the patch must stand in the order list, in the same order. */
function checkOrder(patch: List, order: List, mergeKey: string): void {
  if (order.length === 0 || patch.length === 0) return;
  const elements = patch.filter((item) => !(isJsonObject(item) && Object.hasOwn(item, directive)));
  if (mergeKey !== "") requireMergeKey(mergeKey, elements, order);
  let at = 0;
  for (const item of order) if (at < elements.length && identityOf(elements[at], mergeKey) === identityOf(item, mergeKey)) at++;
  if (at < elements.length) throw unexpected(`The order in patch list:\n${goText(patch)}\n doesn't match ${orderPrefix} list:\n${goText(order)}\n`);
}

/** Carries out elements that delete others or replace the whole list. */
function applySpecialElements(original: List, patch: List, mergeKey: string): { readonly base: List; readonly changes: List } {
  let [base, replace] = [original, false];
  const changes: unknown[] = [];
  for (const item of patch) {
    const element = asObject(item);
    const wanted = Object.hasOwn(element, directive) ? element[directive] : undefined;
    if (wanted === undefined) changes.push(item);
    else if (wanted === "delete") {
      if (!Object.hasOwn(element, mergeKey)) throw noMergeKey(element, mergeKey);
      base = base.filter((each) => asObject(each)[mergeKey] !== element[mergeKey]);
    } else if (wanted === "replace") replace = true;
    else if (wanted === "merge") throw unexpected("merging lists cannot yet be specified in the patch");
    else throw unexpected(`unknown patch type: ${goText(wanted)} in map: ${goText(element)}`);
  }
  return replace ? { base: changes, changes: [] } : { base, changes };
}

const typeOf = ({ name }: ObjectSchema): TypeSchema => ({ is: "ref", name });

/** Applies a strategic merge patch to an object of a type. Throws the `StatusError` that the client gets. */
export function applyStrategicMergePatch(original: JsonObject, patch: unknown, schema: ObjectSchema, schemas: SchemaLookup): JsonObject {
  if (!isJsonObject(patch)) throw badRequest("invalid JSON document");
  return new StrategicMerge(schemas).merge(original, patch, typeOf(schema), { mergeParallelList: true, ignoreUnmatchedNulls: true });
}

/** The patch that makes `modified` of `original`; empty when they are equal. */
export function createTwoWayStrategicMergePatch(original: JsonObject, modified: JsonObject, schema: ObjectSchema, schemas: SchemaLookup): JsonObject {
  return new StrategicMerge(schemas).diff(original, modified, typeOf(schema), { ignoreDeletions: false, ignoreChangesAndAdditions: false, setElementOrder: true, retainKeys: false });
}

/**
 * What `kubectl apply` sends: additions and changes between the live object and the manifest, and removal of what the last applied manifest
 * had and this one has not. What others changed in the live object is overwritten where the manifest says otherwise.
 */
export function createThreeWayStrategicMergePatch(lastApplied: JsonObject, modified: JsonObject, live: JsonObject, schema: ObjectSchema, schemas: SchemaLookup): JsonObject {
  const merge = new StrategicMerge(schemas);
  const type = typeOf(schema);
  const delta = merge.diff(live, modified, type, { ignoreDeletions: true, ignoreChangesAndAdditions: false, setElementOrder: true, retainKeys: false });
  const deletions = merge.diff(lastApplied, modified, type, { ignoreDeletions: false, ignoreChangesAndAdditions: true, setElementOrder: true, retainKeys: false });
  return merge.merge(deletions, delta, type, { mergeParallelList: false, ignoreUnmatchedNulls: false });
}
