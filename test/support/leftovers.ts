import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bridgeAlias } from "../../src/cluster/network/network.ts";
import type { ClusterSpec } from "../../src/cluster/spec.ts";
import { runProgram } from "./programs.ts";

/** Whose bridge it is: by the time that somebody looks, a new cluster may have taken the index, and with it the names, of one that is gone. */
async function isAnothers(spec: ClusterSpec): Promise<boolean> {
  const alias = () => readIfThere(`/sys/class/net/${spec.bridge}/ifalias`).trim();
  if (existsSync(`/sys/class/net/${spec.bridge}`) && alias() === "") await sleep(500); // It is given right after the bridge is made.
  return alias() !== "" && alias() !== bridgeAlias(spec);
}

/** Everything on this machine that belongs to a cluster, found without asking Keelson: after `keelson down` there must be nothing. */
export async function leftovers(spec: ClusterSpec, root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)) {
    const command = readIfThere(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    const groups = readIfThere(`/proc/${pid}/cgroup`);
    // Without a command line it has ended, and waits for init to take note.
    if (command === "") continue;
    if (command.includes(`${root}/`) || command.includes(`${root} `) || groups.includes(`/keelson/${spec.name}/`)) found.push(`process ${pid}: ${command.slice(0, 200)}`);
  }
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) if (line.includes(root)) found.push(`mount ${line.split(" ")[1]}`);
  for (const name of listIfThere("/run/netns")) if (name.startsWith(`keelson-${spec.name}-`)) found.push(`network namespace ${name}`);
  const hierarchies = ["", ...listIfThere("/sys/fs/cgroup")];
  for (const hierarchy of hierarchies) if (existsSync(join("/sys/fs/cgroup", hierarchy, "keelson", spec.name))) found.push(`cgroup ${hierarchy}/keelson/${spec.name}`);
  if (existsSync(root)) found.push(`folder ${root}`);
  const network = await networkOf(spec);
  return network.length === 0 || (await isAnothers(spec)) ? found : [...found, ...network];
}

async function networkOf(spec: ClusterSpec): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of listIfThere("/sys/class/net")) if (name === spec.bridge || name.startsWith(`kl${spec.index}-`)) found.push(`interface ${name}`);
  const tables = (await runProgram(["nft", "list", "tables"])).stdout;
  for (const line of tables.split("\n")) if (line.trim() === `table ip keelson${spec.index}`) found.push(`nftables ${line}`);
  const routes = (await runProgram(["ip", "route"])).stdout;
  for (const line of routes.split("\n")) if (line.includes(` ${spec.bridge} `) || line.startsWith(`10.${128 + spec.index}.`)) found.push(`route ${line}`);
  return found;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process ended meanwhile.
  }
}

const listIfThere = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
