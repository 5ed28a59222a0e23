import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { command, CommandError } from "../../stdx/command.ts";
import type { ClusterSpec, NodeSpec } from "../spec.ts";
import { bridgeBatch, hostRoute, hostRules, namespacePath, nodeInsideBatch, nodeLinkBatch, tableOf, vethOf } from "./plan.ts";

export const bridgeAlias = ({ name }: Pick<ClusterSpec, "name">): string => `cluster:${name}`;
const linkExists = (name: string): boolean => existsSync(`/sys/class/net/${name}`);
const inside = (node: NodeSpec): readonly [string, ...string[]] => ["nsenter", `--net=${namespacePath(node)}`];

/**
 * Makes the bridge, which is what decides whose an index is: of several `up` at the same moment the kernel lets one have it. False when somebody
 * else was first. Its alias, which `ip link` shows, says whose it is.
 */
export async function claimBridge(spec: Pick<ClusterSpec, "bridge" | "name">): Promise<boolean> {
  try {
    await command(["ip", "-batch", "-"], { input: `link add ${spec.bridge} type bridge\nlink set ${spec.bridge} alias ${bridgeAlias(spec)}\n` });
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.stderr.includes("File exists")) return false;
    throw error;
  }
}

/** Makes what is missing: after the first start, a reboot or a crash half-way. Safe to run again. */
export async function ensureNetwork(spec: ClusterSpec): Promise<void> {
  if (!linkExists(spec.bridge)) await claimBridge(spec);
  await command(["ip", "-batch", "-"], { input: bridgeBatch(spec) });
  await Promise.all([command(["nft", "-f", "-"], { input: hostRules(spec) }), ...spec.nodes.map((node) => ensureNode(spec, node))]);
}

async function ensureNode(spec: ClusterSpec, node: NodeSpec): Promise<void> {
  if (!existsSync(namespacePath(node))) await command(["ip", "netns", "add", node.namespace]);
  if (linkExists(vethOf(spec, node))) return;
  await command(["ip", "-batch", "-"], { input: nodeLinkBatch(spec, node) });
  await command([...inside(node), "ip", "-batch", "-"], { input: nodeInsideBatch(spec, node) });
  // Pods of other nodes and the world are reached through the node, so it forwards; a martian filter would drop what services translate.
  await command([...inside(node), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter; echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet"]);
}

const forwardSwitch = "/proc/sys/net/ipv4/ip_forward";

/** Like the switch itself it is the machine's, whatever home a cluster has, and a reboot forgets it. */
const forwardBefore = "/run/keelson.ip_forward.before";

/** Lets the machine forward for its nodes, and remembers what the switch was before. */
export function allowForwarding(): void {
  if (readFileSync(forwardSwitch, "utf8").trim() === "1") return;
  writeFileSync(forwardBefore, "0\n");
  writeFileSync(forwardSwitch, "1\n");
}

/** Puts the switch back when the last cluster of this machine is gone. */
export function restoreForwarding(): void {
  if (!existsSync(forwardBefore) || readdirSync("/sys/class/net").some((name) => /^keelson\d+$/.test(name))) return;
  writeFileSync(forwardSwitch, readFileSync(forwardBefore));
  rmSync(forwardBefore);
}

export async function setHostRoutes(spec: ClusterSpec, routes: readonly { readonly podCidr: string; readonly via: string }[]): Promise<void> {
  await Promise.all(routes.map((route) => command(hostRoute(spec, route))));
}

/** Removes all of it; what is gone already is no error. Routes go with the bridge. */
export async function removeNetwork(spec: ClusterSpec): Promise<void> {
  await Promise.all([
    ...spec.nodes.map(async (node) => {
      await gone(["ip", "link", "delete", vethOf(spec, node)]);
      if (existsSync(namespacePath(node))) await gone(["ip", "netns", "delete", node.namespace]);
    }),
    gone(["nft", "delete", "table", "ip", tableOf(spec)]),
  ]);
  await gone(["ip", "link", "delete", spec.bridge]);
}

async function gone(argv: readonly [string, ...string[]]): Promise<void> {
  try {
    await command(argv);
  } catch (error) {
    if (error instanceof CommandError && /Cannot find device|No such (file|process|device)|does not exist/i.test(error.stderr)) return;
    throw error;
  }
}

/** The networks that this machine has addresses in or routes to, other than by its default route. */
export async function takenCidrs(): Promise<readonly string[]> {
  const routes = JSON.parse(await command(["ip", "-4", "-j", "route", "show", "table", "all"])) as readonly { readonly dst: string; readonly type?: string }[];
  return routes.filter(({ dst, type }) => dst !== "default" && type !== "broadcast" && !dst.startsWith("127.")).map(({ dst }) => (dst.includes("/") ? dst : `${dst}/32`));
}
