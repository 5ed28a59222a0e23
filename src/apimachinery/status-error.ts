import { fieldErrorText, type FieldError } from "./field-error.ts";

/** The reasons of `metav1.Status`, each with the HTTP code that goes with it. */
export const codeOfReason = {
  BadRequest: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405, NotAcceptable: 406, AlreadyExists: 409,
  Conflict: 409, Gone: 410, Expired: 410, RequestEntityTooLarge: 413, UnsupportedMediaType: 415, Invalid: 422, TooManyRequests: 429,
  InternalError: 500, ServiceUnavailable: 503, Timeout: 504, ServerTimeout: 500, StorageReadError: 500, Unknown: 500,
} as const satisfies Readonly<Record<string, number>>;
export type StatusReason = keyof typeof codeOfReason;

export interface StatusCause { readonly reason?: string; readonly message?: string; readonly field?: string }
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** Upstream puts the resource ("pods") here for most reasons, the kind ("Pod") for Invalid. */
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The `Status` object that clients get instead of what they asked for. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: "Success" | "Failure";
  readonly message?: string;
  readonly reason?: StatusReason | (string & {});
  readonly details?: StatusDetails;
  readonly code: number;
}

export interface ResourceName { readonly group: string; readonly resource: string }
const textOf = ({ group, resource }: ResourceName): string => (group === "" ? resource : `${resource}.${group}`);
const detailsOf = ({ group, resource }: ResourceName, name?: string): StatusDetails => ({
  ...(name !== undefined && name !== "" && { name }), ...(group !== "" && { group }), kind: resource,
});

/** The one error that a client may see. Anything else that reaches the edge is a bug and is answered with 500. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason | (string & {}), message: string, options: { readonly code?: number; readonly details?: StatusDetails; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.code = options.code ?? (codeOfReason as Readonly<Record<string, number>>)[reason] ?? 500;
    this.details = options.details;
  }

  static fromStatus(status: Status): StatusError {
    return new StatusError(status.reason ?? "", status.message ?? "", { code: status.code, ...(status.details && { details: status.details }) });
  }

  toStatus(): Status {
    return {
      kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: this.message,
      ...(this.reason !== "" && { reason: this.reason }), ...(this.details && { details: this.details }), code: this.code,
    };
  }
}

export const isStatusError = (error: unknown, ...reasons: readonly StatusReason[]): error is StatusError =>
  error instanceof StatusError && (reasons.length === 0 || reasons.some((reason) => reason === error.reason));
export const isNotFound = (error: unknown): error is StatusError => isStatusError(error, "NotFound");
export const isConflict = (error: unknown): error is StatusError => isStatusError(error, "Conflict");
export const isAlreadyExists = (error: unknown): error is StatusError => isStatusError(error, "AlreadyExists");

export const badRequest = (message: string): StatusError => new StatusError("BadRequest", message);
export const notFoundError = (resource: ResourceName, name: string): StatusError =>
  new StatusError("NotFound", `${textOf(resource)} ${JSON.stringify(name)} not found`, { details: detailsOf(resource, name) });
export const alreadyExists = (resource: ResourceName, name: string): StatusError =>
  new StatusError("AlreadyExists", `${textOf(resource)} ${JSON.stringify(name)} already exists`, { details: detailsOf(resource, name) });
export const conflict = (resource: ResourceName, name: string, detail: string): StatusError =>
  new StatusError("Conflict", `Operation cannot be fulfilled on ${textOf(resource)} ${JSON.stringify(name)}: ${detail}`, { details: detailsOf(resource, name) });
/** The detail of an update that was based on an old version of the object. */
export const staleObjectDetail = "the object has been modified; please apply your changes to the latest version and try again";
export const forbiddenError = (resource: ResourceName, name: string, detail: string): StatusError =>
  new StatusError(
    "Forbidden",
    resource.resource === "" ? `forbidden: ${detail}` : name === "" ? `${textOf(resource)} is forbidden: ${detail}` : `${textOf(resource)} ${JSON.stringify(name)} is forbidden: ${detail}`,
    { details: detailsOf(resource, name) },
  );
export const methodNotSupported = (resource: ResourceName, verb: string): StatusError =>
  new StatusError("MethodNotAllowed", `${verb} is not supported on resources of kind ${JSON.stringify(textOf(resource))}`, { details: detailsOf(resource) });
export const internalStatusError = (message: string, cause?: unknown): StatusError =>
  new StatusError("InternalError", `Internal error occurred: ${message}`, { cause, details: { causes: [{ message }] } });
export const unauthorized = (): StatusError => new StatusError("Unauthorized", "Unauthorized");
/** 410: the revision that was asked for is no longer known. */
export const expired = (message: string): StatusError => new StatusError("Expired", message);

/** 422, with one cause per field error; the same wording as upstream's `NewInvalid`. */
export function invalidError(kind: { readonly group: string; readonly kind: string }, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map(fieldErrorText))];
  const all = texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
  return new StatusError("Invalid", `${kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`} ${JSON.stringify(name)} is invalid: ${all}`, {
    details: {
      ...(name !== "" && { name }), ...(kind.group !== "" && { group: kind.group }), ...(kind.kind !== "" && { kind: kind.kind }),
      causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
    },
  });
}
