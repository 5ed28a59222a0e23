import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Clock } from "../../stdx/clock.ts";
import type { ClusterAccess } from "./kubeconfig.ts";
import { UnreadableKubeconfigError, withCluster, withoutCluster } from "./merge.ts";

const lockRetryMs = 50;
/** How long another writer may hold the lock; kubectl writes in milliseconds. */
const lockWaitMsMax = 5_000;

export interface UserKubeconfigOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The file that kubectl would write to: the first of $KUBECONFIG that exists (else its last), or ~/.kube/config. */
export async function userKubeconfigPath(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const listed = (environment["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
  for (const path of listed) if (await exists(path)) return path;
  return listed.at(-1) ?? join(environment["HOME"] ?? homedir(), ".kube", "config");
}

/** Adds the cluster to the user's kubeconfig and makes it the current one. @throws {UnreadableKubeconfigError} and leaves the file as it was. */
export const addToUserKubeconfig = (access: ClusterAccess, options: UserKubeconfigOptions): Promise<void> =>
  change(options, (text) => withCluster(text, access));

/** Takes the cluster out of the user's kubeconfig; a file that has nothing of it is not written. @throws {UnreadableKubeconfigError} */
export const removeFromUserKubeconfig = async (name: string, options: UserKubeconfigOptions): Promise<void> => {
  if (await exists(options.path)) await change(options, (text) => withoutCluster(text, name));
};

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function change(options: UserKubeconfigOptions, edit: (text: string) => string): Promise<void> {
  // A link is followed, so that it stays one and its target changes.
  const path = await realpath(options.path).catch(() => options.path);
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  await using _lock = await lock(`${path}.lock`, options);
  const before = await readIfThere(path);
  let after: string;
  try {
    after = edit(before ?? "");
  } catch (error) {
    if (error instanceof UnreadableKubeconfigError) throw new UnreadableKubeconfigError(`${path} was left as it is: ${error.message}`, { cause: error });
    throw error;
  }
  if (after !== before) await replace(path, after);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function replace(path: string, content: string): Promise<void> {
  const owner = await stat(path).catch(() => undefined);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      // `sudo keelson up` must not take the file away from its user.
      if (owner && process.getuid?.() === 0) await file.chown(owner.uid, owner.gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The lock that kubectl takes too: a file beside the kubeconfig that only one can create. */
async function lock(path: string, { clock, signal }: UserKubeconfigOptions): Promise<AsyncDisposable> {
  const untilMs = clock.now() + lockWaitMsMax;
  for (;;) {
    try {
      const file = await open(path, "wx", 0o600);
      await file.close();
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (clock.now() >= untilMs) throw new Error(`${path} is held by another program; remove it if none is running`, { cause: error });
      await clock.sleep(lockRetryMs, { signal });
    }
  }
}
