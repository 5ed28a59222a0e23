import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "../../stdx/clock.ts";
import { entryFile, programFile, workerFile } from "./files.ts";

/** A file as it was when the bundle was made. The kernel sets the time of change, and no program can set it back. */
type Input = readonly [path: string, changedAtMs: number, bytes: number, inode: number];
interface Present {
  readonly folder: string;
  readonly inputs: readonly Input[];
}

const presentFile = "present.json";
/** Older ones are of no use to anybody: a process has read all of its bundle when it has started. */
const bundlesMax = 3;
const abandonedAfterMs = 3600_000;
/** The kernel's clock for times of change moves in steps of up to 10 ms. */
const clockStepMs = 20;
/** What goes in without being imported. */
const madeBy = ["src/bin/bundle/make.ts"] as const;

/**
 * The file that starts the bundle of the source below `root`, kept in its `.cache`: only one whose every input, our libraries included, is the same file with the same
 * content as when it was made. With `make` it is made when there is none. Undefined when there is none: the program then runs from its source, as it does where the
 * folder is not ours to write or the bundler is not installed.
 */
export async function bundleOf(root: string, { make, clock = systemClock }: { readonly make: boolean; readonly clock?: Pick<Clock, "now"> }): Promise<string | undefined> {
  const cache = join(root, ".cache", "program");
  const present = readPresent(join(cache, presentFile));
  if (present?.inputs.every((input) => isUnchanged(root, input)) === true && existsSync(join(cache, present.folder, entryFile))) return join(cache, present.folder, entryFile);
  if (!make) return undefined;
  try {
    return await renewed(root, cache, clock);
  } catch (error) {
    // From its source the program says better what is wrong with it.
    if (process.env["KEELSON_DEBUG"] !== undefined) console.error("keelson: no bundle:", error);
    return undefined;
  }
}

async function renewed(root: string, cache: string, clock: Pick<Clock, "now">): Promise<string | undefined> {
  mkdirSync(cache, { recursive: true });
  const began = clock.now();
  const made = mkdtempSync(join(cache, "new-"));
  chmodSync(made, 0o755); // Whoever may read the source may read what is made of it.
  try {
    const { makeBundle } = await import("./make.ts");
    const inputs = [...madeBy, ...(await makeBundle(root, made))].map((path): Input => {
      const { ctimeMs, size, ino } = statSync(join(root, path));
      return [path, ctimeMs, size, ino];
    });
    // Changed while it was read: nobody knows what went in.
    if (inputs.some(([, changedAtMs]) => changedAtMs >= began - clockStepMs)) return undefined;
    const content = createHash("sha256");
    for (const file of [entryFile, programFile, workerFile]) content.update(readFileSync(join(made, file)));
    const folder = content.digest("hex").slice(0, 16);
    // The same source was here before, or is being started by somebody else just now.
    if (!existsSync(join(cache, folder))) renameSync(made, join(cache, folder));
    const written = join(cache, `${presentFile}.${process.pid}`);
    writeFileSync(written, JSON.stringify({ folder, inputs } satisfies Present));
    renameSync(written, join(cache, presentFile));
    removeOld(cache, folder, began);
    return join(cache, folder, entryFile);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function readPresent(file: string): Present | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Present;
  } catch {
    return undefined; // None yet.
  }
}

function isUnchanged(root: string, [path, changedAtMs, bytes, inode]: Input): boolean {
  const now = statSync(join(root, path), { throwIfNoEntry: false });
  return now !== undefined && now.ctimeMs === changedAtMs && now.size === bytes && now.ino === inode;
}

function removeOld(cache: string, present: string, nowMs: number): void {
  const folders = readdirSync(cache, { withFileTypes: true }).filter((each) => each.isDirectory() && each.name !== present)
    .map(({ name }) => ({ name, at: statSync(join(cache, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 })).toSorted((a, b) => b.at - a.at);
  const isMade = ({ name }: { readonly name: string }) => !name.startsWith("new-");
  const old = [...folders.filter(isMade).slice(bundlesMax - 1), ...folders.filter((each) => !isMade(each) && nowMs - each.at > abandonedAfterMs)];
  for (const { name } of old) rmSync(join(cache, name), { recursive: true, force: true });
}
