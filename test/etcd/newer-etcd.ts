import { existsSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../src/stdx/command.ts";
import { cacheFolder, unpackedFromSid } from "../support/debian-sid.ts";

/** Debian unstable's etcd, newer than the machine's; `test/support/setup.ts` unpacks it. */
export const newerEtcd = join(cacheFolder, "etcd-sid", "usr/bin/etcd");

/** For the `skip` of a test. */
export const newerSkip = existsSync(newerEtcd) ? false : "no newer etcd is unpacked: node test/support/setup.ts does it";

/** Returns what it says its version is. */
export async function ensureNewerEtcd(): Promise<string> {
  await unpackedFromSid("etcd-server", "etcd-sid");
  return (await command([newerEtcd, "--version"])).split("\n")[0] ?? "";
}
