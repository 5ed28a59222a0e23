import type { KubeObject } from "../object.ts";
import type { ObjectSchema, SchemaLookup } from "../schema.ts";
import { keepAll, type FieldFilter } from "./field-filter.ts";
import type { FieldSet } from "./field-set.ts";
import { reconciledSet } from "./reconcile.ts";
import { Shapes, unknownShape, type Shape } from "./shape.ts";
import { compareTyped, type Comparison } from "./typed-value.ts";

/** An object in another version than that of the request: fields have other places there. */
export interface VersionView {
  /** Undefined for kinds without a schema. */
  readonly schema: ObjectSchema | undefined;
  /** From the version of the request. */
  from(object: KubeObject): KubeObject;
  /** To the version of the request. */
  to(object: KubeObject): KubeObject;
}

export interface VersionedOptions {
  /** The version that the request speaks: "apps/v1". */
  readonly apiVersion: string;
  /** Undefined for kinds without a schema: their maps are merged, their lists replaced. */
  readonly schema: ObjectSchema | undefined;
  readonly schemas: SchemaLookup;
  /** What somebody comes to own by this way of writing; everything when absent. */
  readonly tracked?: FieldFilter;
  /** The object in another version; undefined when there is no such version (any more). Absent: there are no others. */
  readonly otherVersion?: (apiVersion: string) => VersionView | undefined;
}

/** What one operation needs to know about the versions in which owners wrote: each owner's fields are compared in the version in which they were written. */
export class Versions {
  readonly #options: VersionedOptions;
  readonly #views = new Map<string, VersionView | undefined>();
  readonly filter: FieldFilter;

  constructor(options: VersionedOptions) {
    this.#options = options;
    this.filter = options.tracked ?? keepAll;
  }

  #view(apiVersion: string): VersionView | undefined {
    if (!this.#views.has(apiVersion)) this.#views.set(apiVersion, this.#options.otherVersion?.(apiVersion));
    return this.#views.get(apiVersion);
  }

  /** False: what was written in it belongs to nobody any longer. */
  knows(apiVersion: string): boolean {
    return apiVersion === this.#options.apiVersion || this.#view(apiVersion) !== undefined;
  }

  /** How a version's objects are compared and merged; that of the request for versions that are not known. */
  shape(apiVersion = this.#options.apiVersion): Shape {
    const { schema, schemas } = this.#options;
    const own = apiVersion === this.#options.apiVersion ? schema : this.#view(apiVersion)?.schema;
    return own ? Shapes.of(schemas).object(own) : unknownShape;
  }

  /** Between any two versions, by way of that of the request. Objects without any field (those that are about to be made) stay as they are. */
  convert(object: unknown, from: string, to: string): unknown {
    if (from === to || Object.keys(object as object).length === 0) return object;
    const here = (this.#view(from)?.to(object as KubeObject) ?? object) as KubeObject;
    return this.#view(to)?.from(here) ?? here;
  }

  /** What changes from one object to the other (both in the version of the request), in a version; without what nobody comes to own. Computed once per version. */
  comparisons(before: unknown, after: unknown): (apiVersion: string) => Comparison {
    const known = new Map<string, Comparison>();
    const { apiVersion: own } = this.#options;
    return (apiVersion) => {
      let comparison = known.get(apiVersion);
      if (!comparison) {
        const { added, modified, removed } = compareTyped(this.convert(before, own, apiVersion), this.convert(after, own, apiVersion), this.shape(apiVersion));
        known.set(apiVersion, (comparison = { added: this.filter(added), modified: this.filter(modified), removed: this.filter(removed) }));
      }
      return comparison;
    };
  }

  /** An owner's fields as the schema of today names them: lists and maps that became atomic since are owned as a whole. */
  reconciled(set: FieldSet, apiVersion: string): FieldSet {
    return reconciledSet(set, this.shape(apiVersion));
  }
}
