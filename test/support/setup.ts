// What the end-to-end tests need beyond Keelson's own needs, installed or unpacked where it is missing: said aloud, done once.
import { existsSync } from "node:fs";
import { command } from "../../src/stdx/command.ts";
import { ensureNewerEtcd } from "../etcd/newer-etcd.ts";
import { ensureKubectl } from "./kubectl.ts";

const packages: Readonly<Record<string, string>> = {
  "containerd": "/usr/bin/containerd", "runc": "/usr/sbin/runc", "containernetworking-plugins": "/usr/lib/cni/bridge", "nftables": "/usr/sbin/nft", "iproute2": "/usr/sbin/ip", "iptables": "/usr/sbin/iptables", "conntrack": "/usr/sbin/conntrack",
  "docker-registry": "/usr/bin/docker-registry", "dnsutils": "/usr/bin/dig", "curl": "/usr/bin/curl", "etcd-server": "/usr/bin/etcd", "etcd-client": "/usr/bin/etcdctl",
};

const missing = Object.entries(packages).filter(([, file]) => !existsSync(file) && !existsSync(file.replace("/usr/sbin/", "/usr/bin/"))).map(([name]) => name);
if (process.getuid?.() !== 0) {
  console.error("the end-to-end tests make network namespaces, mounts and cgroups: run them as root");
  process.exit(1);
}
console.log(missing.length > 0 ? `installing from Debian's packages: ${missing.join(" ")}` : "all of Debian's packages that the tests use are installed");
await command(["sh", "-c", `apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${missing.join(" ")} >/dev/null`]);
for (const service of ["containerd", "docker-registry", "etcd"]) await command(["sh", "-c", `systemctl stop ${service} 2>/dev/null || true`]);
console.log(`kubectl: ${await ensureKubectl()}`);
console.log(`beside the machine's etcd: ${await ensureNewerEtcd()}`);
