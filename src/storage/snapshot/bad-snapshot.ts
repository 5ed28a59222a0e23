/** The file is no snapshot, or no longer the one that was written; the message says what is wrong with it. */
export class BadSnapshotError extends Error {
  override readonly name = "BadSnapshotError";
}
