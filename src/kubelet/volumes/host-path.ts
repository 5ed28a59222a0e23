import { mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Stats } from "node:fs";

const kinds: Readonly<Record<string, { readonly is: (stats: Stats) => boolean; readonly text: string }>> = {
  Directory: { is: (stats) => stats.isDirectory(), text: "a directory" },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), text: "a directory" },
  File: { is: (stats) => stats.isFile(), text: "a file" },
  FileOrCreate: { is: (stats) => stats.isFile(), text: "a file" },
  Socket: { is: (stats) => stats.isSocket(), text: "a socket file" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), text: "a character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), text: "a block device" },
};

/** Sees to it that a path of the node is what the volume says. @throws Error in upstream's words */
export async function checkHostPath(path: string, type: string | undefined): Promise<void> {
  const kind = type === undefined ? undefined : kinds[type];
  if (!kind) return;
  let found: Stats | undefined;
  try {
    found = await stat(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  if (found) {
    if (!kind.is(found)) throw new Error(`hostPath type check failed: ${path} is not ${kind.text}`);
    return;
  }
  if (type === "DirectoryOrCreate") await mkdir(path, { recursive: true, mode: 0o755 });
  else if (type === "FileOrCreate") {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await (await open(path, "a", 0o644)).close();
  } else throw new Error(`hostPath type check failed: ${path} is not ${kind.text}`);
}
