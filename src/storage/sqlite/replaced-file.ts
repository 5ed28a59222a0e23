import { existsSync } from "node:fs";
import type { Revision } from "../store.ts";
import { Database } from "./database.ts";
import { bytesMaxDefault } from "./protocol.ts";
import { InUseError, RefusedError } from "./refused.ts";

/** A store whose file is about to be replaced: while this is held nobody else can open it. */
export interface ReplacedFile extends Disposable {
  /** The latest that it has given out; undefined when it is damaged and cannot be asked; 0 when there is none. */
  readonly revision: Revision | undefined;
  /** Why it cannot be asked. */
  readonly problem?: string;
}

/** @throws {InUseError} when a server has it open. */
export function holdReplacedFile(path: string): ReplacedFile {
  if (!existsSync(path)) return { revision: 0, [Symbol.dispose]: () => undefined };
  try {
    const database = new Database({ path, bytesMax: bytesMaxDefault });
    let open = true;
    return {
      revision: database.revision,
      [Symbol.dispose]() {
        if (open) database.close();
        open = false;
      },
    };
  } catch (error) {
    if (!(error instanceof RefusedError) || error instanceof InUseError) throw error;
    return { revision: undefined, problem: error.message, [Symbol.dispose]: () => undefined };
  }
}
