import type { FieldError } from "../apimachinery/field-error.ts";
import type { TrackedFields } from "../apimachinery/managed-fields/field-filter.ts";
import type { KubeObject, ResourceType } from "../apimachinery/object.ts";

/** What a cell of `kubectl get` may hold: timestamps are given as they are stored and shown by the client or the table printer as an age. */
export type Cell = string | number | boolean | null;

/** Reads one field for a field selector. Written as a method, so that a list of resources of all kinds can be typed. */
export type FieldOf<T> = { read(object: T): string }["read"];

/** One column of the server-side table, after upstream's printers. */
export interface Column<T> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description?: string;
  /** 0 is shown always, 1 with `-o wide`. */
  readonly priority: number;
  /** `nowMs` is passed so that ages are computed against one clock. */
  cell(object: T, nowMs: number): Cell;
}

/** How one way of writing to a resource (the main one, or a subresource such as status) turns what a client sent into what is stored. */
export interface UpdateStrategy<T extends KubeObject> {
  /** Resets what this way of writing may not touch; never fails. `next` has defaults and the server's metadata already. */
  prepareForUpdate(next: T, previous: T): T;
  validateUpdate(next: T, previous: T): Iterable<FieldError>;
  warningsOnUpdate?(next: T, previous: T): readonly string[];
  /** What its writer comes to own. Absent: everything but `status`, and with the subresource `status` everything but `spec`. Upstream: `GetResetFields` of the strategies. */
  readonly tracked?: TrackedFields;
}

/**
 * One kind of object, as the API server serves it: the generated facts in `type`, and the behaviour that facts cannot say. Metadata that all
 * kinds share (names, labels, owner references, finalizers, uid, immutable fields) is checked by the registry, not here.
 */
export interface Resource<T extends KubeObject = KubeObject> extends UpdateStrategy<T> {
  readonly type: ResourceType<T>;
  /** What upstream's SetDefaults functions do, on top of the schema; total, idempotent, returns the same object when nothing is missing. */
  defaults(object: T): T;
  /** Clears what a client may not set on create (status, …) and sets what the server sets. Generation 1 is set by the registry where `generation` is true. */
  prepareForCreate(object: T): T;
  validate(object: T): Iterable<FieldError>;
  warningsOnCreate(object: T): readonly string[];
  /** metadata.generation is kept: it grows when anything outside of metadata and status changes. */
  readonly generation: boolean;
  /** On create, generation is what the client says; else it begins with 1. */
  readonly generationFromClient: boolean;
  /**
   * Where the rule of `generation` is not upstream's: whether this change makes it grow. Asked only when `generation` is true.
   */
  generationGrows?(next: T, previous: T): boolean;
  /**
   * Kinds that are served in several versions, or in two groups, have one stored form: its type, and the way there and back.
   * Absent: the served form is stored.
   */
  readonly storedAs?: { readonly type: ResourceType; toStored(object: T): KubeObject; fromStored(stored: KubeObject): T };
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate: boolean;
  /** PUT without a resourceVersion is accepted. */
  readonly unconditionalUpdate: boolean;
  /** Rules for the object's name; yields messages such as upstream's "a lowercase RFC 1123 subdomain must consist of …". */
  validateName(name: string, options: { readonly prefix: boolean }): readonly string[];
  /**
   * "afterwards": on create, metadata is looked at only when nothing else is wrong, and then a name need only fit into a path. So it is with the few
   * kinds whose own rules do not look at metadata. Default: "first".
   */
  readonly metadataRules: "first" | "afterwards";
  /** Finalizers without a domain may have any name; with most kinds they are the few that Kubernetes itself knows. */
  readonly anyFinalizer: boolean;
  /** Ways of writing under a subresource that store the same object: "status", "resize", "ephemeralcontainers", "approval", … */
  readonly subresources: Readonly<Record<string, UpdateStrategy<T>>>;
  /** Between NAME and AGE are this kind's own; both are included here. Empty: the default Name and Age. */
  readonly columns: readonly Column<T>[];
  /** Field selectors beyond metadata.name and metadata.namespace: label → value. */
  readonly selectableFields: Readonly<Record<string, FieldOf<T>>>;
  /**
   * Grace of a delete in seconds, for kinds that end gracefully (pods). `requested` is the client's gracePeriodSeconds. 0 deletes at once.
   * The default: 0.
   */
  gracePeriodSeconds(object: T, requested: number | undefined): number;
  /** Where an unset propagationPolicy leads; upstream's default is "background" for all but a few old kinds. */
  readonly defaultGarbageCollection: "background" | "orphan";
}

type Behaviour<T extends KubeObject> = Omit<Resource<T>, "type">;

/** Fills in what most kinds share, once, so that no reader of a resource ever has to. `validateName` defaults to the DNS subdomain rule. */
export function defineResource<T extends KubeObject>(type: ResourceType<T>, behaviour: Partial<Behaviour<T>> & Pick<Behaviour<T>, "validateName">): Resource<T> {
  return {
    type,
    defaults: (object) => object,
    prepareForCreate: (object) => object,
    prepareForUpdate: (next) => next,
    validate: () => [],
    validateUpdate: () => [],
    warningsOnCreate: () => [],
    generation: false,
    generationFromClient: false,
    createOnUpdate: false,
    unconditionalUpdate: true,
    metadataRules: "first",
    anyFinalizer: false,
    subresources: {},
    columns: [],
    selectableFields: {},
    gracePeriodSeconds: () => 0,
    defaultGarbageCollection: "background",
    ...behaviour,
  };
}
