import { StatusError } from "../apimachinery/status-error.ts";
import { OutcomeUnknownError, UnavailableError } from "../storage/store.ts";

/** How clients are told that the store cannot do its work now; any other error is given back as it is. */
export function unavailable(error: unknown): unknown {
  if (error instanceof UnavailableError) return new StatusError("ServiceUnavailable", error.message, { cause: error, details: { retryAfterSeconds: 1 } });
  // No Retry-After: clients would make the request again, not knowing that it may have been done.
  if (error instanceof OutcomeUnknownError) return new StatusError("Timeout", error.message, { cause: error });
  return error;
}
