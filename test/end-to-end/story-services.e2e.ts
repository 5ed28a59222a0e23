// The story, line 11: a Deployment with Services before it, found by name, changed under traffic, and taken away whole.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Pod, PodList, Service } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ nodes: 2, images: ["busybox", "nginx"] });
  await cluster.push("nginx", "library/nginx", "2");
  await cluster.kubectl("run", "client", "--image=busybox", "--command", "--", "sleep", "100000");
  await cluster.ready("client");
});
after(() => cluster?.[Symbol.asyncDispose]());

/** With `timeout`, since the option -T of Debian's static busybox ends in a segmentation fault. */
const fromClient = (...command: readonly string[]) => cluster.kubectl("exec", "client", "--", ...command);
const inShell = (script: string) => fromClient("sh", "-c", script);
const webPods = async (): Promise<readonly Pod[]> => (await cluster.get<PodList>("pods", "-l", "app=web")).items;

test("11. create deployment, rollout status, expose; wget by name reaches all replicas", async () => {
  assert.equal(await cluster.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3"), "deployment.apps/web created\n");
  assert.match(await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s"), /deployment "web" successfully rolled out\n$/);
  assert.match(await cluster.kubectl("get", "deployment", "web"), /^web +3\/3 +3 +3 /m);
  assert.match(await cluster.kubectl("get", "replicasets"), /^web-[0-9a-z]+ +3 +3 +3 /m);
  assert.equal(await cluster.kubectl("expose", "deployment", "web", "--port=80"), "service/web exposed\n");
  await until("the name answers", async () => /Welcome to nginx!/.test(await fromClient("timeout", "5", "wget", "-qO-", "http://web")));
  for (const name of ["web.default", "web.default.svc", "web.default.svc.cluster.local"]) assert.match(await fromClient("timeout", "5", "wget", "-qO-", `http://${name}/`), /Welcome/);
  const pods = await webPods();
  const names = new Set((await inShell("for i in $(seq 60); do timeout 5 wget -qO- http://web/hostname; done")).trim().split("\n"));
  assert.deepEqual([...names].toSorted(), pods.map(({ metadata }) => metadata.name ?? "").toSorted());
  assert.match(await cluster.kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=web"), /^web-\S+ +IPv4 +80 +10\.[\d.]+,10\.[\d.]+,10\.[\d.]+ /m);
  assert.match(await cluster.kubectl("describe", "service", "web"), /Endpoints: +10\.[\d.]+:80,10\.[\d.]+:80,10\.[\d.]+:80/);
});

test("11. NodePort answers on every node, and from the machine", async () => {
  await cluster.kubectl("expose", "deployment", "web", "--name=web-port", "--type=NodePort", "--port=80");
  const port = (await cluster.get<Service>("service", "web-port")).spec?.ports?.[0]?.nodePort ?? 0;
  assert.ok(port >= 30_000 && port <= 32_767, `node port ${port}`);
  for (const { address } of cluster.spec.nodes) {
    await until(`node ${address} answers`, async () => /Welcome/.test(await (await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(5_000) })).text()));
    assert.match(await fromClient("timeout", "5", "wget", "-qO-", `http://${address}:${port}/`), /Welcome/);
  }
});

test("11. headless Services, SRV records, names of pods, and names that are none", async () => {
  await cluster.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "peers" }, spec: { clusterIP: "None", selector: { app: "web" }, ports: [{ name: "http", port: 80 }] } });
  const ips = (await webPods()).map(({ status }) => status?.podIP ?? "").toSorted();
  await until("all addresses are answered", async () => {
    const found = [...new Set((await inShell("nslookup peers.default.svc.cluster.local || true")).match(/^Address: (10\.[\d.]+)$/gm)?.map((line) => line.slice("Address: ".length)) ?? [])].toSorted();
    return JSON.stringify(found) === JSON.stringify(ips);
  });
  const dig = async (...args: readonly string[]) => (await cluster.onNode(0, "dig", `@${cluster.spec.clusterDns}`, "+short", "+timeout=5", ...args)).stdout.trim();
  const { spec } = await cluster.get<Service>("service", "web");
  assert.equal(await dig("web.default.svc.cluster.local", "A"), spec?.clusterIP);
  assert.equal((await dig("_http._tcp.peers.default.svc.cluster.local", "SRV")).split("\n").length, 3);
  assert.equal(await dig(`${(ips[0] ?? "").replaceAll(".", "-")}.default.pod.cluster.local`, "A"), ips[0]);
  assert.match((await cluster.onNode(0, "dig", `@${cluster.spec.clusterDns}`, "+timeout=5", "nobody.default.svc.cluster.local")).stdout, /status: NXDOMAIN/);
  assert.notEqual((await cluster.try(["exec", "client", "--", "timeout", "5", "wget", "-qO-", "http://nobody"])).code, 0);
});

test("11. scale up and down", async () => {
  await cluster.kubectl("scale", "deployment", "web", "--replicas=5");
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  assert.equal((await webPods()).length, 5);
  await cluster.kubectl("scale", "deployment", "web", "--replicas=3");
  await until("three pods are left", async () => (await webPods()).length === 3);
  await until("three endpoints are left", async () => ((await cluster.kubectl("get", "endpoints", "web", "-o", "jsonpath={.subsets[*].addresses[*].ip}")).trim().split(" ").length === 3));
});

test("11. set image and undo roll without a lost request", async () => {
  // What is ended says so first: endpoints go before the server does.
  await cluster.kubectl("patch", "deployment", "web", "-p", JSON.stringify({ spec: { template: { spec: { containers: [{ name: "nginx", lifecycle: { preStop: { sleep: { seconds: 2 } } }, readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 } }] } } } }));
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  await until("old pods are gone", async () => (await webPods()).length === 3);
  await using traffic = cluster.start("exec", "client", "--", "sh", "-c", "n=0; f=0; while [ ! -e /tmp/stop ]; do if timeout 5 wget -qO- http://web/ >/tmp/page && grep -q Welcome /tmp/page; then n=$((n+1)); else f=$((f+1)); fi; done; echo \"answered $n failed $f\"");
  const old = new Set((await webPods()).map(({ metadata }) => metadata.uid));
  await cluster.kubectl("set", "image", "deployment/web", "nginx=nginx:2");
  assert.match(await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s"), /successfully rolled out/);
  const next = (await webPods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  assert.ok(next.every(({ metadata, spec }) => !old.has(metadata.uid) && spec?.containers[0]?.image === "nginx:2"));
  const history = await cluster.kubectl("rollout", "history", "deployment/web");
  assert.match(history, /^3 /m);
  assert.equal(await cluster.kubectl("rollout", "undo", "deployment/web"), "deployment.apps/web rolled back\n");
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
  await until("the old image is back", async () => (await webPods()).every(({ spec, metadata }) => metadata.deletionTimestamp !== undefined || spec?.containers[0]?.image === "nginx"));
  await until("three pods are left", async () => (await webPods()).length === 3);
  await fromClient("touch", "/tmp/stop");
  const [, answered, failed] = await traffic.expect(/answered (\d+) failed (\d+)/);
  assert.ok(Number(answered) > 20, `${answered} requests`);
  assert.equal(failed, "0", `of ${answered} requests`);
});

test("11. an image that does not exist stops the rollout, and leaves the old pods in service", async () => {
  await cluster.kubectl("set", "image", "deployment/web", "nginx=absent:1");
  await until("a new pod waits", async () => (await webPods()).some(({ status }) => /ErrImagePull|ImagePullBackOff/.test(status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "")));
  assert.match(await cluster.kubectl("get", "deployment", "web"), /^web +3\/3 +1 +3 /m);
  assert.match(await fromClient("timeout", "5", "wget", "-qO-", "http://web"), /Welcome/);
  await cluster.kubectl("rollout", "undo", "deployment/web");
  await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=120s");
});

test("from inside a pod: the kubernetes Service, the mounted token, and the rights of its account", async () => {
  const script = 'd=/var/run/secrets/kubernetes.io/serviceaccount; cat $d/namespace; echo; echo $KUBERNETES_SERVICE_HOST; echo $KUBERNETES_SERVICE_PORT; cat $d/token';
  const [namespace, host, port, token = ""] = (await inShell(script)).split("\n");
  assert.deepEqual([namespace, host, port], ["default", "10.96.0.1", "443"]);
  const ask = async (path: string) => JSON.parse((await cluster.onNode(1, "curl", "-sS", "--max-time", "10", "--cacert", `${cluster.paths.pki}/ca.crt`, "-H", `Authorization: Bearer ${token}`, `https://10.96.0.1${path}`)).stdout) as { readonly message?: string; readonly code?: number; readonly major?: string };
  assert.equal((await ask("/version")).major, "1");
  const denied = await ask("/api/v1/namespaces/default/pods");
  assert.deepEqual([denied.code, denied.message], [403, 'pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods" in API group "" in the namespace "default"']);
  await cluster.kubectl("create", "rolebinding", "viewer", "--clusterrole=view", "--serviceaccount=default:default");
  await until("it may list pods", async () => (await ask("/api/v1/namespaces/default/pods")).code === undefined);
});

test("11. deleting the Deployment removes everything it made", async () => {
  await cluster.kubectl("delete", "deployment", "web");
  await until("its ReplicaSets are gone", async () => (await cluster.kubectl("get", "replicasets", "-o", "name")).trim() === "");
  await until("its pods are gone", async () => (await webPods()).length === 0);
  await until("its endpoints are gone", async () => (await cluster.kubectl("get", "endpoints", "web", "-o", "jsonpath={.subsets}")) === "");
  const refused = await cluster.try(["exec", "client", "--", "timeout", "5", "wget", "-qO-", "http://web"]);
  assert.match(refused.stderr, /refused/);
  await cluster.kubectl("delete", "service", "web", "web-port", "peers");
  await until("their slices are gone", async () => (await cluster.kubectl("get", "endpointslices", "-o", "name")).trim() === "endpointslice.discovery.k8s.io/kubernetes");
});
