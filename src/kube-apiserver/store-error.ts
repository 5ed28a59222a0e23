import { internalStatusError, StatusError } from "../apimachinery/status-error.ts";
import { EncryptionError } from "../storage/encryption/encrypting-store.ts";
import { OutcomeUnknownError, UnavailableError } from "../storage/store.ts";

/** How clients are told that the store cannot do its work now; any other error is given back as it is. */
export function unavailable(error: unknown): unknown {
  if (error instanceof UnavailableError) return new StatusError("ServiceUnavailable", error.message, { cause: error, details: { retryAfterSeconds: 1 } });
  // No Retry-After: clients would make the request again, not knowing that it may have been done.
  if (error instanceof OutcomeUnknownError) return new StatusError("Timeout", error.message, { cause: error });
  if (error instanceof EncryptionError) return internalStatusError(error.message, error);
  return error;
}

/** 500, as upstream answers when a stored value cannot be decrypted; `key` says which of several it is. */
export const unreadableError = (error: Error, key?: string): StatusError =>
  internalStatusError(key === undefined ? error.message : `unable to transform key ${JSON.stringify(key)}: ${error.message}`, error);
