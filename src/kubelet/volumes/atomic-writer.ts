import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
  /** Owner of the file, where it is not root. */
  readonly uid?: number;
}
/** Files by their path below the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const dataLink = "..data";
const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function isCurrent(folder: string, payload: Payload): Promise<boolean> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  if (files.length !== payload.size) return false;
  for (const [path, { data, mode }] of payload) {
    try {
      const file = `${folder}/${path}`;
      if (((await stat(file)).mode & 0o777) !== (mode & 0o777) || !data.equals(await readFile(file))) return false;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }
  return true;
}

/**
 * Makes a folder hold exactly these files, so that readers see either all old or all new ones: files lie in a folder of their own, "..data" points to
 * the current one and is replaced in one step, and the visible names point through "..data". The layout is that of the field's own writer,
 * because programs watch "..data". `group` owns the files where the pod has an fsGroup. Returns whether anything changed.
 */
export async function writeAtomically(target: string, payload: Payload, options: { readonly stamp: string; readonly group?: number | undefined }): Promise<boolean> {
  const { stamp, group } = options;
  const old = await linkTarget(`${target}/${dataLink}`);
  if (old !== undefined && (await isCurrent(`${target}/${old}`, payload))) return false;

  const name = `..${stamp}`;
  const folder = `${target}/${name}`;
  await mkdir(folder, { mode: 0o755 });
  await chmod(folder, 0o755);
  const folders = new Set<string>([folder]);
  for (const [path, { data, mode, uid }] of payload) {
    const file = `${folder}/${path}`;
    const parent = dirname(file);
    if (parent !== folder) {
      await mkdir(parent, { recursive: true, mode: 0o755 });
      for (let each = parent; each !== folder; each = dirname(each)) folders.add(each);
    }
    await writeFile(file, data, { mode });
    // The process's umask must not show, and a group of the pod may read.
    await chmod(file, group === undefined ? mode : mode | 0o440);
    if (uid !== undefined || group !== undefined) await chown(file, uid ?? 0, group ?? 0);
  }
  if (group !== undefined) {
    for (const each of folders) {
      await chown(each, 0, group);
      await chmod(each, 0o2775);
    }
  }

  await rm(`${target}/..data_tmp`, { force: true });
  await symlink(name, `${target}/..data_tmp`);
  await rename(`${target}/..data_tmp`, `${target}/${dataLink}`);

  const visible = new Set([...payload.keys()].map((path) => path.split("/")[0] ?? path));
  for (const each of visible) {
    try {
      await lstat(`${target}/${each}`);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await symlink(`${dataLink}/${each}`, `${target}/${each}`);
    }
  }
  for (const entry of await readdir(target)) {
    const stale = entry.startsWith("..") ? entry !== dataLink && entry !== name : !visible.has(entry);
    if (stale) await rm(`${target}/${entry}`, { recursive: true, force: true });
  }
  return true;
}
