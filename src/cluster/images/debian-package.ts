import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TarEntry } from "../../cri/oci/tar.ts";
import { command } from "../../stdx/command.ts";

/**
 * The files of one of Debian's packages, downloaded by the machine's own apt and unpacked below `cache`, never installed. The newest version that the
 * machine's lists name is taken; what is in the cache is used again.
 */
export async function unpackedPackage(name: string, options: { readonly cache: string; readonly aptOptions?: readonly string[] }): Promise<string> {
  const { cache, aptOptions = [] } = options;
  const folder = join(cache, "unpacked", name);
  if (existsSync(folder)) return folder;
  const download = join(cache, "download", name);
  mkdirSync(download, { recursive: true });
  // apt-get writes to its working folder, and as root it wants to do so as another user; both are settled here.
  await command(["sh", "-c", `cd "$1" && shift && apt-get -q -o APT::Sandbox::User=root "$@"`, "sh", download, ...aptOptions, "download", name]);
  const file = readdirSync(download).find((each) => each.startsWith(`${name}_`) && each.endsWith(".deb"));
  if (file === undefined) throw new Error(`apt-get downloaded no package ${name}`);
  const next = `${folder}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  await command(["dpkg", "-x", join(download, file), next]);
  renameSync(next, folder);
  rmSync(download, { recursive: true, force: true });
  return folder;
}

const documentation = /^usr\/share\/(doc|man|info|lintian|locale|bug)(\/|$)/;

/** Everything under a folder as entries of an image layer, owned by root, without documentation. */
export function layerOf(folder: string, prefix = ""): readonly TarEntry[] {
  return readdirSync(join(folder, prefix)).toSorted().flatMap((entry): readonly TarEntry[] => {
    const name = prefix === "" ? entry : `${prefix}/${entry}`;
    if (documentation.test(name)) return [];
    const file = join(folder, name);
    const stat = lstatSync(file);
    if (stat.isSymbolicLink()) return [{ type: "symlink", name, target: readlinkSync(file) }];
    if (stat.isDirectory()) return [{ type: "directory", name: `${name}/`, mode: stat.mode & 0o7777 }, ...layerOf(folder, name)];
    return stat.isFile() ? [{ type: "file", name, mode: stat.mode & 0o7777, data: readFileSync(file) }] : [];
  });
}

/** Layers of several packages as one: of entries with the same name the first one stays; a package's folder never hides another's link (/lib). */
export function mergeLayers(layers: readonly (readonly TarEntry[])[]): readonly TarEntry[] {
  const entries = new Map<string, TarEntry>();
  for (const entry of layers.flat()) {
    const name = entry.name.replace(/\/$/, "");
    if (!entries.has(name)) entries.set(name, entry);
  }
  return [...entries.values()];
}
