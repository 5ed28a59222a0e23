import { badRequest, StatusError } from "../status-error.ts";
import { cloneJson, isJsonObject, jsonEqual } from "./json-value.ts";

/** One operation of RFC 6902. */
export interface JsonPatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export const jsonPatchOperationsMax = 10_000;
/** All that the copy operations of one patch may add to a document; copying a container into itself doubles it. As JSON. */
export const copiedBytesMax = 3 * 1024 * 1024;

/** The patch does not fit the document; its message is what upstream logs, clients only see that the request was rejected. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
}

type Container = Record<string, unknown> | unknown[];

const unescape = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~");
const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null;

function indexOf(token: string, length: number, forAdd: boolean): number {
  if (!/^-?[0-9]+$/.test(token)) throw new JsonPatchError(`value was not a proper array index: '${token}'`);
  const index = Number(token);
  const last = forAdd ? length : length - 1;
  const real = index < 0 ? index + (forAdd ? length + 1 : length) : index;
  if (real < 0 || real > last) throw new JsonPatchError(`Unable to access invalid index: ${index}: invalid index referenced`);
  return real;
}

/** The container that the last token of the path names an entry of, or undefined when the document has no such place. */
function locate(document: unknown, path: string): { readonly container: Container; readonly token: string } | undefined {
  const parts = path.split("/");
  if (parts.length < 2) return undefined;
  let at: unknown = document;
  for (const part of parts.slice(1, -1)) {
    const token = unescape(part);
    if (Array.isArray(at)) {
      if (!/^-?[0-9]+$/.test(token)) return undefined;
      const index = Number(token);
      at = at[index < 0 ? index + at.length : index];
    } else if (isJsonObject(at)) at = Object.hasOwn(at, token) ? at[token] : undefined;
    else return undefined;
  }
  return isContainer(at) ? { container: at, token: unescape(parts.at(-1) ?? "") } : undefined;
}

function get(container: Container, token: string): unknown {
  if (Array.isArray(container)) return container[indexOf(token, container.length, false)];
  return Object.hasOwn(container, token) ? container[token] : undefined;
}

function set(container: Container, token: string, value: unknown): void {
  if (Array.isArray(container)) container[indexOf(token, container.length, false)] = value;
  else Object.defineProperty(container, token, { value, writable: true, enumerable: true, configurable: true });
}

function add(container: Container, token: string, value: unknown): void {
  if (!Array.isArray(container)) set(container, token, value);
  else if (token === "-") container.push(value);
  else container.splice(indexOf(token, container.length, true), 0, value);
}

function remove(container: Container, token: string): void {
  if (Array.isArray(container)) container.splice(indexOf(token, container.length, false), 1);
  else if (!Object.hasOwn(container, token)) throw new JsonPatchError(`Unable to remove nonexistent key: ${token}: missing value`);
  else delete container[token];
}

function within<T>(what: string, path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof JsonPatchError) throw new JsonPatchError(`error in ${what} for path: '${path}': ${error.message}`);
    throw error;
  }
}

interface CopyBudget { copiedBytes: number }

/** Applies one operation to a private copy of the document. */
function applyOperation(document: unknown, { op, path, from, value }: JsonPatchOperation, budget: CopyBudget): void {
  const target = (missing: string) => {
    const place = locate(document, path);
    if (!place) throw new JsonPatchError(missing);
    return place;
  };
  switch (op) {
    case "add": {
      const { container, token } = target(`add operation does not apply: doc is missing path: "${path}": missing value`);
      within("add", path, () => add(container, token, cloneJson(value ?? null)));
      return;
    }
    case "remove": {
      const { container, token } = target(`remove operation does not apply: doc is missing path: "${path}": missing value`);
      within("remove", path, () => remove(container, token));
      return;
    }
    case "replace": {
      const { container, token } = target(`replace operation does not apply: doc is missing path: ${path}: missing value`);
      if (get(container, token) === undefined) throw new JsonPatchError(`replace operation does not apply: doc is missing key: ${path}: missing value`);
      within("replace", path, () => set(container, token, cloneJson(value ?? null)));
      return;
    }
    case "test": {
      const { container, token } = target(`test operation does not apply: is missing path: ${path}: missing value`);
      if (!jsonEqual(get(container, token) ?? null, value ?? null)) throw new JsonPatchError(`testing value ${path} failed: test failed`);
      return;
    }
    case "move": case "copy": {
      const source = locate(document, from ?? "");
      if (!source) throw new JsonPatchError(`${op} operation does not apply: doc is missing from path: ${from ?? ""}: missing value`);
      const taken = get(source.container, source.token);
      if (op === "copy") budget.copiedBytes += Buffer.byteLength(JSON.stringify(taken ?? null));
      if (budget.copiedBytes > copiedBytesMax) throw new JsonPatchError(`Unable to complete the copy, the accumulated size increase of copy is ${budget.copiedBytes}, exceeding the limit ${copiedBytesMax}`);
      if (taken === undefined && op === "copy") throw new JsonPatchError(`copy operation does not apply: doc is missing key: ${from ?? ""}: missing value`);
      if (op === "move") within("move", from ?? "", () => remove(source.container, source.token));
      const { container, token } = target(`${op} operation does not apply: doc is missing destination path: ${path}: missing value`);
      within(op, path, () => add(container, token, op === "copy" ? cloneJson(taken) : taken));
      return;
    }
    default:
      throw new JsonPatchError(`Unexpected kind: ${op}`);
  }
}

/** Checks the shape of a patch body; throws BadRequest or RequestEntityTooLarge as upstream does. */
export function readJsonPatch(body: unknown): readonly JsonPatchOperation[] {
  if (!Array.isArray(body)) throw badRequest(`json: cannot unmarshal ${isJsonObject(body) ? "object" : typeof body} into Go value of type jsonpatch.Patch`);
  if (body.length > jsonPatchOperationsMax) {
    throw new StatusError("RequestEntityTooLarge", `Request entity too large: The allowed maximum operations in a JSON patch is ${jsonPatchOperationsMax}, got ${body.length}`);
  }
  return body.map((each: unknown) => {
    if (!isJsonObject(each)) throw badRequest(`json: cannot unmarshal ${Array.isArray(each) ? "array" : typeof each} into Go value of type jsonpatch.Operation`);
    const { op, path, from, value } = each;
    return {
      op: typeof op === "string" ? op : "unknown", path: typeof path === "string" ? path : "", ...(typeof from === "string" && { from }), ...(value !== undefined && { value }),
    };
  });
}

/** Throws `JsonPatchError`. The document is left as it is. */
export function applyJsonPatch(document: unknown, operations: readonly JsonPatchOperation[]): unknown {
  const copy = cloneJson(document);
  const budget: CopyBudget = { copiedBytes: 0 };
  for (const operation of operations) applyOperation(copy, operation, budget);
  return copy;
}

/** Reads and applies the body of a JSON patch request; throws the `StatusError` that the client gets. */
export function patchWithJsonPatch(document: unknown, body: unknown): unknown {
  const operations = readJsonPatch(body);
  try {
    return applyJsonPatch(document, operations);
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    throw new StatusError("Invalid", "the server rejected our request due to an error in our request", { code: 422, details: {}, cause: error });
  }
}
