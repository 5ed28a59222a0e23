import { isConnectionError } from "../client/connection-error.ts";
import { StatusError, type StatusCause } from "../apimachinery/status-error.ts";

/** A command that was called wrongly: told with a hint to its help. */
export class UsageError extends Error {}
/** A flag that does not exist or has a bad value. */
export class FlagError extends Error {}
/** Ends the program with this code; its message, when it has one, is printed as it is. */
export class ExitError extends Error {
  readonly code: number;
  constructor(code: number, message = "") {
    super(message);
    this.code = code;
  }
}
/** Several things that went wrong on the way, each told on a line of its own. */
export class SeveralErrors extends Error {
  readonly errors: readonly unknown[];
  constructor(errors: readonly unknown[]) {
    super(errors.map((error) => messageOf(error)).join("\n"));
    this.errors = errors;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Throws one error as it is, several together; nothing when there are none. */
export function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new SeveralErrors(errors);
}

/** The same error, said to have happened while doing something with a file; without a file, the same error. */
export function withSource(verb: string, source: string, error: unknown): unknown {
  if (source === "") return error;
  const message = `error when ${verb} ${JSON.stringify(source)}: ${messageOf(error)}`;
  return error instanceof StatusError ? new StatusError(error.reason, message, { code: error.code, ...(error.details && { details: error.details }), cause: error }) : new Error(message, { cause: error });
}

/** What lies at the bottom: "connect ECONNREFUSED" below "the stream was cancelled". */
function deepestCause(error: Error): { readonly code?: string; readonly message?: string } {
  let deepest: Error = error;
  for (let depth = 0; deepest.cause instanceof Error && depth < causesMax; depth++) deepest = deepest.cause;
  return deepest;
}
const causesMax = 10;

function standardMessage(error: unknown, server: string): string | undefined {
  if (error instanceof StatusError) {
    if (error.reason === "Unauthorized") return `error: You must be logged in to the server (${error.message})`;
    return error.reason === "" ? `Error from server: ${error.message}` : `Error from server (${error.reason}): ${error.message}`;
  }
  if (isConnectionError(error)) {
    const { code, message } = deepestCause(error);
    if (code === "ECONNREFUSED") return `The connection to the server ${server} was refused - did you specify the right host or port?`;
    return `Unable to connect to the server: ${message ?? error.message}`;
  }
  return undefined;
}

function invalidMessage({ details, message }: StatusError): string {
  const start = "The request is invalid";
  if (!details) return message === "" ? start : `${start}: ${message}`;
  const { kind = "", name = "", causes = [] } = details;
  const head = kind !== "" || name !== "" ? `The ${kind} ${JSON.stringify(name)} is invalid` : message !== "" && causes.length === 0 ? `${start}: ${message}` : start;
  const lines = [...new Set(causes.map(({ field = "", message: text = "" }: StatusCause) => `${field}: ${text}`))];
  if (lines.length === 0) return head;
  return lines.length === 1 ? `${head}: ${lines[0]}` : [`${head}: `, ...lines.map((line) => `* ${line}`)].join("\n");
}

/** What the user reads of an error, and the exit code that goes with it. */
export function reportOf(error: unknown, where: { readonly commandPath: string; readonly server: string }): { readonly text: string; readonly code: number } {
  if (error instanceof ExitError) return { text: error.message, code: error.code };
  if (error instanceof FlagError) return { text: `error: ${error.message}\nSee '${where.commandPath} --help' for usage.`, code: 1 };
  if (error instanceof UsageError) return { text: `error: ${error.message}\nSee '${where.commandPath} -h' for help and examples`, code: 1 };
  if (error instanceof SeveralErrors) return { text: error.errors.map((each) => standardMessage(each, where.server) ?? messageOf(each)).join("\n"), code: 1 };
  if (error instanceof StatusError && error.reason === "Invalid") return { text: invalidMessage(error), code: 1 };
  const message = messageOf(error);
  return { text: standardMessage(error, where.server) ?? (message.startsWith("error: ") ? message : `error: ${message}`), code: 1 };
}
