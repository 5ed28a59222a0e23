import type { KubeObject, ObjectMeta } from "../../apimachinery/object.ts";

/** Where an object can be had whole, at any time. */
export interface ObjectSource {
  readonly object: KubeObject;
}

const source = Symbol("source");
type Sourced = { readonly [source]: ObjectSource };

/**
 * An object that holds little: name, labels and all else of the metadata that is looked at by the thousand; what lies deeper (spec, status, data, managedFields, long
 * annotations) is asked of its source when somebody looks at it. To its readers it is like any other object: it can be spread, compared and written as JSON.
 *
 * Informers inside of the process keep one of these for each object of the cluster. Were they to keep whole objects, collecting garbage would take as long as
 * marking all of them takes, however little of them is garbage.
 */
export function sharedObject(from: ObjectSource): KubeObject {
  const { object } = from;
  const shared = withSource(from);
  for (const key of Object.keys(object)) {
    if (key === "metadata") shared[key] = sharedMetadata(object.metadata, from);
    else if (key === "apiVersion" || key === "kind") shared[key] = interned(object[key]);
    else Object.defineProperty(shared, key, partOf(key));
  }
  return shared as unknown as KubeObject;
}

/** Nobody sees the source, whatever is done with the object. */
const withSource = (value: ObjectSource): Record<string, unknown> => Object.defineProperty<Record<string, unknown>>({}, source, { value });

function sharedMetadata(metadata: ObjectMeta, from: ObjectSource): ObjectMeta {
  const shared = withSource(from);
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "managedFields" || (key === "annotations" && isLong(value as Readonly<Record<string, string>>))) Object.defineProperty(shared, key, partOfMetadata(key));
    else shared[key] = unique.has(key) ? ownCopy(value) : typeof value === "string" ? interned(value) : typeof value === "object" && value !== null ? internedTree(value) : value;
  }
  return shared as ObjectMeta;
}

/** No two objects have the same. */
const unique: ReadonlySet<string> = new Set(["name", "uid", "resourceVersion"]);
/** Together, in characters. */
const annotationsLengthMax = 256;

function isLong(annotations: Readonly<Record<string, string>>): boolean {
  let length = 0;
  for (const key of Object.keys(annotations)) length += key.length + (annotations[key]?.length ?? 0);
  return length > annotationsLengthMax;
}

/** One descriptor per name, so that objects of one kind share their shape. */
const descriptorsOf = (read: (object: KubeObject, key: string) => unknown) => {
  const known = new Map<string, PropertyDescriptor>();
  return (key: string): PropertyDescriptor => {
    let descriptor = known.get(key);
    if (!descriptor) {
      descriptor = {
        enumerable: true, configurable: true,
        get(this: Sourced): unknown {
          return read(this[source].object, key);
        },
      };
      known.set(key, descriptor);
    }
    return descriptor;
  };
};
const partOf = descriptorsOf((object, key) => (object as unknown as Readonly<Record<string, unknown>>)[key]);
const partOfMetadata = descriptorsOf((object, key) => object.metadata[key as keyof ObjectMeta]);

/** So many texts and trees are told once; beyond, all begin anew. */
const internedMax = 16_384;
const internedLengthMax = 1_024;
const texts = new Map<string, string>();
const trees = new Map<string, object>();

/** A text that is cut out of a longer one keeps that alive, which may be the whole body of a request. */
const ownCopy = (value: unknown): unknown => (typeof value === "string" ? Buffer.from(value).toString() : value);

/** The one text that stands for all equal ones, where many objects have the same. */
export function interned(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const own = ownCopy(text) as string;
  if (own.length > internedLengthMax) return own;
  if (texts.size >= internedMax) texts.clear();
  texts.set(own, own);
  return own;
}

/** Labels and owners are the same for all pods of one set. */
function internedTree(tree: object): object {
  const text = JSON.stringify(tree);
  const known = trees.get(text);
  if (known) return known;
  const own = JSON.parse(text) as object;
  if (text.length > internedLengthMax) return own;
  if (trees.size >= internedMax) trees.clear();
  trees.set(text, own);
  return own;
}
