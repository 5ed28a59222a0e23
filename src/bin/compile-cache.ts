import { homedir } from "node:os";
import { join } from "node:path";

/** Where Node keeps compiled code: where the user says, else among the user's other caches. It may be deleted at any time. */
export const compileCacheFolder = (env: Readonly<Record<string, string | undefined>>): string =>
  env["NODE_COMPILE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "keelson", "compiled");
