// The network as pods see it: the API server with the mounted token, UDP, session affinity, names; and nothing of it outside of the cluster.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readdirSync } from "node:fs";
import type { Pod, PodList, Service } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { runProgram } from "../support/programs.ts";

let cluster: TestCluster;
const table = `keelsontest${process.pid}`;
before(async () => {
  cluster = await TestCluster.start({ nodes: 2, images: ["tools"] });
  await watchTheMachine();
  for (const [i, { name }] of cluster.spec.nodes.entries()) await cluster.apply(tools(`client-${i + 1}`, { nodeName: name }));
  for (const i of [1, 2]) await cluster.ready(`client-${i}`);
});
after(async () => {
  await runProgram(["nft", "delete", "table", "ip", table]);
  await cluster?.[Symbol.asyncDispose]();
});

const tools = (name: string, spec: object = {}, labels: Readonly<Record<string, string>> = {}, command: readonly string[] = ["sleep", "100000"]) => ({
  apiVersion: "v1", kind: "Pod", metadata: { name, labels },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "tools", imagePullPolicy: "IfNotPresent", command }], ...spec },
});
const inPod = (pod: string, script: string) => cluster.kubectl("exec", pod, "--", "sh", "-c", script);

/**
 * Counts, and keeps back, whatever would leave by an interface of the machine for an address of this cluster; and counts what reaches nodes over the
 * bridge, which proves that the hook sees what it should.
 */
async function watchTheMachine(): Promise<void> {
  const { bridge, nodeCidr, podCidr, serviceCidr } = cluster.spec;
  const inner = readdirSync("/sys/class/net").filter((name) => name === "lo" || /^(keelson|kl)\d/.test(name)).map((name) => JSON.stringify(name)).join(", ");
  const made = await runProgram(["nft", "-f", "-"], { input: `table ip ${table} {
  counter escaped { }
  counter source { }
  counter bridged { }
  chain postrouting {
    type filter hook postrouting priority 200;
    ip daddr { ${nodeCidr}, ${podCidr}, ${serviceCidr} } oifname != { ${inner} } counter name escaped drop
    ip saddr ${podCidr} oifname != { ${inner} } counter name source drop
    ip daddr ${nodeCidr} oifname ${JSON.stringify(bridge)} counter name bridged
  }
}` });
  assert.equal(made.code, 0, made.stderr);
}
async function packets(counter: string): Promise<number> {
  const { stdout } = await runProgram(["nft", "list", "counter", "ip", table, counter]);
  return Number(/packets (\d+)/.exec(stdout)?.[1]);
}

test("11. from inside a pod the API server is reached by name, over TLS that the mounted CA proves, with the mounted token", async () => {
  const ask = (pod: string, path: string) => inPod(pod, `d=/var/run/secrets/kubernetes.io/serviceaccount
printf "GET ${path} HTTP/1.1\\r\\nHost: kubernetes.default.svc\\r\\nAuthorization: Bearer $(cat $d/token)\\r\\nConnection: close\\r\\n\\r\\n" |
timeout 10 openssl s_client -quiet -ign_eof -verify_return_error -verify_hostname kubernetes.default.svc -CAfile $d/ca.crt -connect kubernetes.default.svc:443 2>/tmp/tls || cat /tmp/tls`);
  for (const pod of ["client-1", "client-2"]) {
    assert.match(await inPod(pod, "echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT_HTTPS; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace"), /^10\.96\.0\.1:443\ndefault$/);
    assert.match(await ask(pod, "/version"), /^HTTP\/1\.1 200 OK\r\n[\s\S]*"major": ?"1"/);
    assert.match(await ask(pod, "/api/v1/namespaces/default/pods"), /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*pods is forbidden: User \\"system:serviceaccount:default:default\\" cannot list resource \\"pods\\" in API group \\"\\" in the namespace \\"default\\"/);
  }
  await cluster.kubectl("create", "rolebinding", "viewer", "--clusterrole=view", "--serviceaccount=default:default");
  await until("it may list pods", async () => /^HTTP\/1\.1 200 OK\r\n[\s\S]*"name": ?"client-2"/.test(await ask("client-1", "/api/v1/namespaces/default/pods")));
  // A token that somebody changed is nobody's.
  assert.match(await inPod("client-1", "printf 'GET /api HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer a.b.c\\r\\nConnection: close\\r\\n\\r\\n' | timeout 10 openssl s_client -quiet -ign_eof -connect kubernetes.default.svc:443 2>/dev/null"), /^HTTP\/1\.1 401 Unauthorized/);
});

const udpServer = 'use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => 5000, Proto => "udp") or die $!; while (defined $s->recv($d, 1024)) { $s->send("$ENV{HOSTNAME} heard $d") }';
const udpAsk = (host: string, port: number) => `perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(PeerAddr => "${host}", PeerPort => ${port}, Proto => "udp") or die "no socket: $@"; $s->send("hi"); $SIG{ALRM} = sub { die "no answer\\n" }; alarm 3; $s->recv($d, 1024); print "$d\\n"'`;

test("11. a UDP Service, by name and by node port, on two nodes; gone when its pods are", async () => {
  for (const [i, { name }] of cluster.spec.nodes.entries()) await cluster.apply(tools(`echo-${i + 1}`, { nodeName: name }, { app: "echo" }, ["perl", "-e", udpServer]));
  for (const i of [1, 2]) await cluster.ready(`echo-${i}`);
  await cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "echo" }, spec: { type: "NodePort", selector: { app: "echo" }, ports: [{ name: "dgram", protocol: "UDP", port: 53, targetPort: 5000 }] } });
  const { spec } = await cluster.get<Service>("service", "echo");
  const nodePort = spec?.ports?.[0]?.nodePort ?? 0;
  await until("it answers", async () => /heard hi/.test(await inPod("client-1", udpAsk("echo", 53))));
  for (const pod of ["client-1", "client-2"]) {
    const heard = new Set<string>();
    await until("both answer", async () => {
      heard.add(await inPod(pod, `for i in 1 2 3 4 5 6; do ${udpAsk("echo.default.svc.cluster.local", 53)}; done | sort -u | tr '\\n' ' '`));
      return [...heard].join(" ").includes("echo-1 heard hi") && [...heard].join(" ").includes("echo-2 heard hi");
    });
    for (const { address } of cluster.spec.nodes) assert.match(await inPod(pod, udpAsk(address, nodePort)), /^echo-[12] heard hi$/m);
  }
  const dig = async (...args: readonly string[]) => (await cluster.onNode(0, "dig", `@${cluster.spec.clusterDns}`, "+timeout=5", ...args)).stdout;
  assert.match(await dig("_dgram._udp.echo.default.svc.cluster.local", "SRV"), / SRV 0 \d+ 53 echo\.default\.svc\.cluster\.local\./);
  // One socket that never rests goes on to the pod that is left: connection tracking, which knows the flow, would send it into the void for as long as it speaks.
  const steady = 'use IO::Socket::INET; $s = IO::Socket::INET->new(PeerAddr => "echo", PeerPort => 53, Proto => "udp") or die; $| = 1; for (1 .. 600) { $s->send("hi"); select(undef, undef, undef, 0.05); print "$d\\n" if defined $s->recv($d, 1024, 64) }';
  await using speaker = cluster.start("exec", "client-1", "--", "perl", "-e", steady);
  const [, first = ""] = await speaker.expect(/^(echo-[12]) heard hi$/m);
  await cluster.kubectl("delete", "pod", first, "--now");
  const left = first === "echo-1" ? "echo-2" : "echo-1";
  await speaker.expect(new RegExp(`^${left} heard hi$`, "m"), { msMax: 10_000 });
  await cluster.kubectl("delete", "pod", left, "--now");
  await until("nobody answers", async () => (await cluster.try(["exec", "client-1", "--", "sh", "-c", udpAsk("echo", 53)])).code !== 0);
  await cluster.kubectl("delete", "service", "echo");
});

const httpServer = 'use IO::Socket::INET; $l = IO::Socket::INET->new(LocalPort => 8080, Listen => 64, ReuseAddr => 1) or die $!; $SIG{TERM} = sub { exit }; while (1) { $c = $l->accept or next; while (<$c>) { last if /^\\r?$/ } $b = "$ENV{HOSTNAME} for " . $c->peerhost . "\\n"; print $c "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($b) . "\\r\\n\\r\\n$b"; close $c }';

test("11. named target ports, session affinity, the client's address, a pod that reaches itself, publishNotReadyAddresses", async () => {
  for (const i of [1, 2, 3]) {
    const pod = tools(`who-${i}`, { nodeName: cluster.spec.nodes[i % 2]?.name, ...(i === 3 && { readinessGates: [{ conditionType: "example.com/never" }] }) }, { app: "who" }, ["perl", "-e", httpServer]);
    const [container] = pod.spec.containers;
    await cluster.apply({ ...pod, spec: { ...pod.spec, containers: [{ ...container, ports: [{ name: "web", containerPort: 8080 }] }] } });
  }
  for (const i of [1, 2]) await cluster.ready(`who-${i}`);
  const service = (name: string, spec: object) => cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: "who" }, ports: [{ port: 80, targetPort: "web" }], ...spec } });
  await service("who", {});
  await service("sticky", { sessionAffinity: "ClientIP" });
  await service("early", { clusterIP: "None", publishNotReadyAddresses: true });
  const get = (host: string) => `timeout 5 wget -qO- http://${host}/`;
  await until("it answers", async () => / for 10\./.test(await inPod("client-1", get("who"))));
  await until("who-3 runs", async () => (await cluster.get<Pod>("pod", "who-3")).status?.phase === "Running");
  const { status } = await cluster.get<Pod>("pod", "client-1");
  const answers = (await inPod("client-1", `for i in $(seq 40); do ${get("who")}; done | sort -u`)).trim().split("\n");
  // Nobody stands between: servers see the address of the client; and who is not ready is not asked.
  assert.deepEqual(answers, [`who-1 for ${status?.podIP}`, `who-2 for ${status?.podIP}`]);
  await until("the sticky one answers", async () => / for 10\./.test(await inPod("client-1", get("sticky"))));
  assert.equal((await inPod("client-1", `for i in $(seq 20); do ${get("sticky")}; done | sort -u`)).trim().split("\n").length, 1);
  // Through its own Service a pod reaches all of them, itself included.
  const own = (await inPod("who-1", `for i in $(seq 40); do ${get("who")}; done | cut -d' ' -f1 | sort -u`)).trim().split("\n");
  assert.deepEqual(own, ["who-1", "who-2"]);
  const ips = (await cluster.get<PodList>("pods", "-l", "app=who")).items.map((pod) => pod.status?.podIP ?? "").toSorted();
  await until("all three have names", async () => JSON.stringify((await cluster.onNode(1, "dig", `@${cluster.spec.clusterDns}`, "+short", "early.default.svc.cluster.local")).stdout.trim().split("\n").toSorted()) === JSON.stringify(ips));
  await cluster.kubectl("delete", "service", "who", "sticky", "early");
  await cluster.kubectl("delete", "pods", "-l", "app=who", "--now");
});

test("11. ways in: a host port, a node port for local endpoints only, the API server's proxy, port-forward to a Service, an ExternalName, the host's network", async () => {
  const [first, second] = cluster.spec.nodes;
  const pod = tools("way", { nodeName: second?.name }, { app: "way" }, ["perl", "-e", httpServer]);
  const [container] = pod.spec.containers;
  await cluster.apply({ ...pod, spec: { ...pod.spec, containers: [{ ...container, ports: [{ containerPort: 8080, hostPort: 8085 }] }] } });
  await cluster.apply(tools("on-host", { nodeName: first?.name, hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }));
  await cluster.ready("way");
  await cluster.ready("on-host");
  const service = (name: string, spec: object) => cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });
  await service("way", { type: "NodePort", externalTrafficPolicy: "Local", selector: { app: "way" }, ports: [{ port: 80, targetPort: 8080 }] });
  await service("alias", { type: "ExternalName", externalName: "way.default.svc.cluster.local" });
  const get = (url: string) => `timeout 5 wget -qO- ${url}`;
  const from = async (url: string) => (await fetch(url, { signal: AbortSignal.timeout(2_000) })).text();
  const nodePort = (await cluster.get<Service>("service", "way")).spec?.ports?.[0]?.nodePort ?? 0;
  // From the machine and from the other node; behind Local the server sees who asks.
  await until("the local node port answers", async () => (await from(`http://${second?.address}:${nodePort}/`)) === `way for ${cluster.spec.gateway}\n`);
  await assert.rejects(from(`http://${first?.address}:${nodePort}/`), "a node without an endpoint does not answer");
  assert.match(await from(`http://${second?.address}:8085/`), /^way for /);
  for (const url of [`http://${second?.address}:8085/`, "http://way/", "http://alias.default.svc.cluster.local/"]) assert.match(await inPod("on-host", get(url)), /^way for /, url);
  assert.match(await cluster.kubectl("get", "--raw", "/api/v1/namespaces/default/services/way:80/proxy/"), /^way for /);
  assert.match(await cluster.kubectl("get", "--raw", "/api/v1/namespaces/default/pods/way:8080/proxy/"), /^way for /);
  await using forward = cluster.start("port-forward", "service/way", ":80");
  const [, port] = await forward.expect(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/);
  assert.match(await from(`http://127.0.0.1:${port}/`), /^way for /);
  await cluster.kubectl("delete", "service", "way", "alias");
  await cluster.kubectl("delete", "pod", "way", "on-host", "--now");
  await until("the host port is closed", () => from(`http://${second?.address}:8085/`).then(() => false, () => true));
});

test("nothing for an address of the cluster leaves by the machine's own interfaces", async () => {
  const { podCidr, nodeCidr, clusterDns } = cluster.spec;
  const unused = [podCidr.replace(/0\.0\/16$/, "200.7"), nodeCidr.replace(/0\/24$/, "99"), "10.96.77.77"];
  const knock = (address: string) => `perl -MIO::Socket::INET -e 'for $p ("tcp", "udp") { $s = IO::Socket::INET->new(PeerAddr => "${address}", PeerPort => 81, Proto => $p, Timeout => 1); $s && $p eq "udp" && $s->send("x") }'`;
  const argvOf = (address: string) => ["perl", "-MIO::Socket::INET", "-e", `for $p ("tcp", "udp") { $s = IO::Socket::INET->new(PeerAddr => "${address}", PeerPort => 81, Proto => $p, Timeout => 1); $s && $p eq "udp" && $s->send("x") }`] as const;
  await Promise.all(unused.flatMap((address) => [inPod("client-1", knock(address)), inPod("client-2", knock(address)), cluster.onNode(0, ...argvOf(address)), runProgram(argvOf(address))]));
  // A Service that has nobody behind it refuses at once, instead of asking the world.
  await cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "empty" }, spec: { ports: [{ port: 80 }] } });
  await until("it is refused", async () => /refused/.test((await cluster.try(["exec", "client-1", "--", "sh", "-c", "timeout 5 wget -O- http://empty/ 2>&1"])).stdout));
  await cluster.kubectl("delete", "service", "empty");
  // Names that are not the cluster's are asked of nobody, since it was made offline.
  assert.match((await cluster.onNode(0, "dig", `@${clusterDns}`, "+timeout=5", "+tries=1", "example.com")).stdout, /status: (REFUSED|SERVFAIL|NXDOMAIN)/);
  assert.ok((await packets("bridged")) > 0, "the counters work");
  assert.deepEqual([await packets("escaped"), await packets("source")], [0, 0]);
});
