import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../src/stdx/command.ts";

/** Where tests keep what they download: packages, images. Removed by nobody but its owner. */
export const cacheFolder = process.env["KEELSON_TEST_CACHE"] ?? "/var/cache/keelson-test";

const target = join(cacheFolder, "kubectl-1.36", "usr/bin/kubectl");

/**
 * Stock kubectl 1.36, from Debian unstable, unpacked beside the system. Its own lists and an empty status file keep the machine's apt out of it:
 * neither does it see our source, nor do we see what else is installed.
 */
export async function ensureKubectl(): Promise<string> {
  if (!existsSync(target)) {
    const folder = join(cacheFolder, "kubectl-1.36.next");
    rmSync(folder, { recursive: true, force: true });
    for (const each of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, "apt", each), { recursive: true });
    writeFileSync(join(folder, "apt/status"), "");
    writeFileSync(join(folder, "apt/sources.list"), "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main\n");
    const options = [
      "-o", `Dir::Etc::sourcelist=${folder}/apt/sources.list`, "-o", "Dir::Etc::sourceparts=/dev/null", "-o", `Dir::State::lists=${folder}/apt/lists`,
      "-o", `Dir::Cache=${folder}/apt/cache`, "-o", `Dir::State::status=${folder}/apt/status`, "-o", "APT::Sandbox::User=root",
    ];
    await command(["apt-get", "-qq", ...options, "update"]);
    await command(["sh", "-c", `cd "$1" && shift && apt-get -qq "$@" download kubectl`, "sh", folder, ...options]);
    const file = readdirSync(folder).find((each) => each.endsWith(".deb"));
    if (file === undefined) throw new Error("apt-get downloaded no kubectl");
    await command(["dpkg", "-x", join(folder, file), folder]);
    rmSync(join(folder, "apt"), { recursive: true });
    rmSync(join(cacheFolder, "kubectl-1.36"), { recursive: true, force: true });
    renameSync(folder, join(cacheFolder, "kubectl-1.36"));
  }
  const version = await command([target, "version", "--client"]);
  if (!version.includes("v1.36.")) throw new Error(`kubectl 1.36 was wanted, and Debian has ${version.split("\n")[0]}`);
  return target;
}

export const kubectlPath = target;
