import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../src/stdx/command.ts";

/** Where tests keep what they download: packages, images. Removed by nobody but its owner. */
export const cacheFolder = process.env["KEELSON_TEST_CACHE"] ?? "/var/cache/keelson-test";

/**
 * A package of Debian unstable, unpacked beside the system into a folder of the cache; done once. Its own lists and an empty status file keep the
 * machine's apt out of it: neither does it see our source, nor do we see what else is installed.
 */
export async function unpackedFromSid(name: string, folder: string): Promise<void> {
  const target = join(cacheFolder, folder);
  if (existsSync(target)) return;
  const next = `${target}.next`;
  rmSync(next, { recursive: true, force: true });
  for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(next, "apt", each), { recursive: true });
  writeFileSync(join(next, "apt/status"), "");
  writeFileSync(join(next, "apt/sources.list"), "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n");
  const options = [
    "-o", `Dir::Etc::sourcelist=${next}/apt/sources.list`, "-o", "Dir::Etc::sourceparts=/dev/null", "-o", `Dir::State::lists=${next}/apt/lists`,
    "-o", `Dir::Cache=${next}/apt/cache`, "-o", `Dir::State::status=${next}/apt/status`, "-o", "APT::Sandbox::User=root",
  ];
  await command(["apt-get", "-qq", ...options, "update"]);
  await command(["sh", "-c", `cd "$1" && name=$2 && shift 2 && apt-get -qq "$@" download "$name"`, "sh", next, name, ...options]);
  const file = readdirSync(next).find((each) => each.endsWith(".deb"));
  if (file === undefined) throw new Error(`apt-get downloaded no ${name}`);
  await command(["dpkg", "-x", join(next, file), next]);
  rmSync(join(next, "apt"), { recursive: true });
  renameSync(next, target);
}
