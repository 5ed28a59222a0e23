/** The file cannot be served; the message says what is wrong and what helps. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** It is well, and somebody else's. */
export class InUseError extends RefusedError {
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is in use by another process: is a server of this cluster running already? Stop it first, or name another file`, options);
  }
}

/** Something that was read is not what was written. */
export class DamagedError extends Error {
  override readonly name = "DamagedError";
}

export const damagedText = (path: string, detail: string): string =>
  `${path} is damaged (${detail}): restore a snapshot with \`keelson snapshot restore CLUSTER SNAPSHOT\`, or move it away, together with the files beside it (${path}-wal, ${path}-mark), to start with an empty cluster`;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
