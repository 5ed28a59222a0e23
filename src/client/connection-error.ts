/** The server could not be reached, or went away in the middle of an answer. What was asked may or may not have happened; asking again may help. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly retryable = true;
}
export const isConnectionError = (error: unknown): error is ConnectionError => error instanceof ConnectionError;
