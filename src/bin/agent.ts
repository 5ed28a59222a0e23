import { parseArgs } from "node:util";
import { runAgent } from "../cluster/agent.ts";
import { systemClock } from "../stdx/clock.ts";
import { jsonLog } from "../stdx/log.ts";
import { cryptoRandom } from "../stdx/random.ts";
import type { Command } from "./commands.ts";
import { untilEnded } from "./until-ended.ts";

const flags = [
  "node-name", "node-ip", "state", "kubeconfig", "kube-proxy-kubeconfig", "cluster-dns-kubeconfig", "serving-certificate", "serving-key", "client-ca",
  "cluster-dns", "cluster-domain", "cluster-cidr", "service-cidr", "cgroup-root",
] as const;

/** `keelson agent --node-name N …`: one node, in the network namespace that it is started in. */
export const agent: Command = async (args, signal) => {
  const options = { ...Object.fromEntries(flags.map((flag) => [flag, { type: "string" as const }])), "registry-mirror": { type: "string", multiple: true }, "dns-forwarder": { type: "string", multiple: true }, "no-dns-forwarders": { type: "boolean" }, "log-level": { type: "string" } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const given = values as Readonly<Record<string, string | undefined>>;
  const text = (flag: (typeof flags)[number]): string => {
    const value = given[flag];
    if (value === undefined) throw new Error(`--${flag} is missing`);
    return value;
  };
  const registryMirrors: Record<string, string[]> = {};
  for (const mirror of (values["registry-mirror"] ?? []) as readonly string[]) (registryMirrors[mirror.slice(0, mirror.indexOf("="))] ??= []).push(mirror.slice(mirror.indexOf("=") + 1));

  const log = jsonLog({ level: given["log-level"] === "debug" ? "debug" : "info", now: systemClock.now, write: (line) => process.stderr.write(line) });
  return untilEnded(log, signal, (until) => runAgent({
    nodeName: text("node-name"), nodeIp: text("node-ip"), stateDir: text("state"), kubeconfig: text("kubeconfig"), kubeProxyKubeconfig: text("kube-proxy-kubeconfig"),
    clusterDnsKubeconfig: text("cluster-dns-kubeconfig"), servingCertificate: text("serving-certificate"), servingKey: text("serving-key"), clientCa: text("client-ca"),
    clusterDns: text("cluster-dns"), clusterDomain: text("cluster-domain"), clusterCidr: text("cluster-cidr"), serviceCidr: text("service-cidr"), cgroupRoot: text("cgroup-root"),
    registryMirrors, dnsForwarders: values["no-dns-forwarders"] === true ? [] : (values["dns-forwarder"] as readonly string[] | undefined),
    clock: systemClock, random: cryptoRandom, log, signal: until,
  }));
};
