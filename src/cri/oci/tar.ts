/** One entry of an archive. Names are relative and use slashes. */
export type TarEntry =
  | { readonly type: "file"; readonly name: string; readonly mode: number; readonly data: Uint8Array; readonly uid?: number; readonly gid?: number }
  | { readonly type: "directory"; readonly name: string; readonly mode: number; readonly uid?: number; readonly gid?: number }
  | { readonly type: "symlink"; readonly name: string; readonly target: string }
  | { readonly type: "hardlink"; readonly name: string; readonly target: string };

const blockBytes = 512;
const typeFlags = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;

function header(options: { readonly name: string; readonly mode: number; readonly size: number; readonly flag: string; readonly link: string; readonly uid: number; readonly gid: number }): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(options.name, 0, 100, "utf8");
  block.write(octal(options.mode, 8), 100);
  block.write(octal(options.uid, 8), 108);
  block.write(octal(options.gid, 8), 116);
  block.write(octal(options.size, 12), 124);
  block.write(octal(0, 12), 136); // Time zero, so that the same content has the same digest.
  block.write("        ", 148);
  block.write(options.flag, 156);
  block.write(options.link, 157, 100, "utf8");
  block.write("ustar\x0000", 257);
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

const padded = (data: Uint8Array): Buffer => {
  const rest = data.length % blockBytes;
  return rest === 0 ? Buffer.from(data) : Buffer.concat([data, Buffer.alloc(blockBytes - rest)]);
};

/** A pax record says its own length, digits included. */
function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body) + 1;
  while (length !== Buffer.byteLength(body) + String(length).length) length = Buffer.byteLength(body) + String(length).length;
  return `${length}${body}`;
}

function* blocks(entry: TarEntry): Generator<Buffer, void> {
  const link = "target" in entry ? entry.target : "";
  const data = entry.type === "file" ? entry.data : new Uint8Array();
  const long = [...(Buffer.byteLength(entry.name) > 100 ? [paxRecord("path", entry.name)] : []), ...(Buffer.byteLength(link) > 100 ? [paxRecord("linkpath", link)] : [])].join("");
  if (long !== "") {
    const bytes = Buffer.from(long);
    yield header({ name: "././@PaxHeader", mode: 0o644, size: bytes.length, flag: "x", link: "", uid: 0, gid: 0 });
    yield padded(bytes);
  }
  const mode = "mode" in entry ? entry.mode : 0o777;
  const { uid = 0, gid = 0 } = "uid" in entry ? entry : {};
  yield header({ name: entry.name, mode, size: data.length, flag: typeFlags[entry.type], link, uid, gid });
  yield padded(data);
}

/** A tar archive (ustar, pax headers for long names) whose bytes depend on nothing but its entries. */
export function tar(entries: Iterable<TarEntry>): Buffer {
  return Buffer.concat([...[...entries].flatMap((entry) => [...blocks(entry)]), Buffer.alloc(2 * blockBytes)]);
}
