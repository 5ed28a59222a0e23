import { join } from "node:path";
import { command } from "../../src/stdx/command.ts";
import { cacheFolder, unpackedFromSid } from "./debian-sid.ts";

export { cacheFolder };

const target = join(cacheFolder, "kubectl-1.36", "usr/bin/kubectl");

/** Stock kubectl 1.36, from Debian unstable. */
export async function ensureKubectl(): Promise<string> {
  await unpackedFromSid("kubectl", "kubectl-1.36");
  const version = await command([target, "version", "--client"]);
  if (!version.includes("v1.36.")) throw new Error(`kubectl 1.36 was wanted, and Debian has ${version.split("\n")[0]}`);
  return target;
}

export const kubectlPath = target;
