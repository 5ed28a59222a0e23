import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../../api/all.ts";
import { events, services, type Event, type Service } from "../../api/generated/core-v1.ts";
import { ipaddresses, servicecidrs, type IPAddress, type ServiceCIDR } from "../../api/generated/networking-v1.ts";
import { schemas } from "../../api/schemas.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import type { ApiRequest, Transport } from "../../apimachinery/transport.ts";
import { MemoryStore } from "../../storage/memory/memory-store.ts";
import { OutcomeUnknownError, type Store } from "../../storage/store.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { StepRing } from "../../stdx/steps.ts";
import type { Clock } from "../../stdx/clock.ts";
import { startApiServer, type ApiServer } from "../server.ts";
import { NodePorts } from "./node-ports.ts";
import { addressesOf, portsOf } from "./service-spec.ts";

const seed = Number(process.env["KEELSON_SEED"] ?? 20_261_121);
const nodePortRange = { first: 30_000, last: 30_099 };

/** Time that a test moves; whoever sleeps wakes when it has come. */
class TestClock implements Clock {
  #nowMs = Date.parse("2026-01-01T00:00:00Z");
  readonly #sleeping = new Set<{ readonly atMs: number; wake(): void }>();

  now(): number {
    return this.#nowMs;
  }
  sleep(durationMs: number, { signal }: { signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const sleeper = { atMs: this.#nowMs + durationMs, wake: () => {
        this.#sleeping.delete(sleeper);
        signal.removeEventListener("abort", abort);
        resolve();
      } };
      const abort = () => {
        this.#sleeping.delete(sleeper);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#sleeping.add(sleeper);
    });
  }
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    while (this.#nowMs < untilMs) {
      this.#nowMs = Math.min(untilMs, Math.max(this.#nowMs + 1, ...[...this.#sleeping].map(({ atMs }) => atMs).toSorted((a, b) => a - b).slice(0, 1)));
      for (const sleeper of Array.from(this.#sleeping)) if (sleeper.atMs <= this.#nowMs) sleeper.wake();
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** A store whose server ends with its write number `at`: that one is done or not, and nothing after it. */
function mortal(store: Store, at: number, done: boolean, afterPut: (key: string) => void = () => undefined): Store & { readonly writes: number } {
  let writes = 0;
  const dead = (): boolean => at > 0 && writes >= at;
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead()) throw new Error("dead");
    writes += 1;
    if (writes < at || at === 0) return await work();
    if (done) await work();
    throw new Error("dead");
  };
  return {
    get writes() { return writes; },
    get revision() { return store.revision; },
    get: (...args) => (dead() ? Promise.reject(new Error("dead")) : store.get(...args)),
    list: (...args) => (dead() ? Promise.reject(new Error("dead")) : store.list(...args)),
    put: (key, ...args) => write(async () => {
      const revision = await store.put(key, ...args);
      afterPut(key);
      return revision;
    }),
    delete: (...args) => write(() => store.delete(...args)),
    watch: (...args) => store.watch(...args),
    compact: (revision) => store.compact(revision),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface World extends AsyncDisposable {
  readonly server: ApiServer;
  readonly clock: TestClock;
  create(object: Partial<Service> & { readonly metadata: { readonly name: string } }): Promise<Service>;
  request<T extends KubeObject>(verb: ApiRequest["verb"], type: ResourceType<T>, more: Partial<ApiRequest>): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>): readonly T[];
}

async function start(store: Store, { clusterIpRange = "10.96.0.0/24", clock = new TestClock() } = {}): Promise<World> {
  const server = await startApiServer({
    store, listeners: [], resources, schemas, clock, log: silentLog, random: seededRandom(seed), steps: new StepRing({ stepsMax: 10 }), serviceClusterIpRange: clusterIpRange, nodePortRange,
    access: () => ({ authenticator: { authenticate: async () => undefined }, authorizer: { authorize: () => ({ decision: "allow", reason: "" }) }, admission: [], virtual: [] }),
  });
  const transport: Transport = server.transport({ name: "admin", groups: ["system:masters"] });
  const request = <T extends KubeObject>(verb: ApiRequest["verb"], type: ResourceType<T>, more: Partial<ApiRequest>): Promise<T> =>
    transport.request({ verb, group: type.group, version: type.version, resource: type.plural, ...(type.namespaced && { namespace: "default" }), ...more }) as Promise<T>;
  return {
    server, clock, request,
    create: (object) => request("create", services, { body: object }),
    list: (type) => server.reader.list(type),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const service = (name: string, spec: Service["spec"] = {}): Partial<Service> & { readonly metadata: { readonly name: string } } => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
const patch = (world: World, name: string, spec: object) => world.request("patch", services, { name, patchType: "application/merge-patch+json", body: { spec } });

/** Each address and port of a Service is its own, and written down as such; and nothing else is, when time enough has passed. */
async function checkAllocations(world: World, store: Store, when: string, { complete }: { readonly complete: boolean }): Promise<void> {
  const list = world.list(services);
  const owners = list.flatMap((each) => addressesOf(each).map((ip) => [ip, each.metadata.name] as const));
  assert.equal(new Set(owners.map(([ip]) => ip)).size, owners.length, `${when}: an address belongs to two`);
  const addresses = world.list<IPAddress>(ipaddresses);
  for (const [ip, owner] of owners) assert.equal(addresses.find(({ metadata }) => metadata.name === ip)?.spec?.parentRef?.name, owner, `${when}: ${ip}`);
  const ports = list.flatMap((each) => portsOf(each));
  assert.equal(new Set(ports).size, ports.length, `${when}: a port belongs to two`);
  const taken = await new NodePorts({ store, clock: world.clock, random: seededRandom(1), range: nodePortRange }).read();
  for (const port of ports) assert.ok(taken.has(port), `${when}: port ${port} is not written down`);
  if (!complete) return;
  assert.equal(addresses.length, owners.length, `${when}: leaked addresses`);
  for (let port = nodePortRange.first; port <= nodePortRange.last; port++) assert.equal(taken.has(port), ports.includes(port), `${when}: port ${port}`);
}

/** Whatever a client may do to Services, with some of it at the same time. */
async function workload(world: World): Promise<void> {
  const quietly = (work: Promise<unknown>) => work.catch(() => undefined);
  await quietly(world.create(service("a")));
  await quietly(world.create(service("b", { type: "NodePort", ports: [{ name: "x", port: 80 }, { name: "y", port: 81 }] })));
  await Promise.all([
    quietly(world.create(service("c", { type: "LoadBalancer", externalTrafficPolicy: "Local" }))), quietly(world.create(service("d"))), quietly(world.create(service("bad name"))),
    quietly(world.create(service("e", { clusterIP: "10.96.0.7" }))), quietly(world.create(service("f", { clusterIP: "10.96.0.7" }))),
  ]);
  await quietly(patch(world, "a", { type: "NodePort" }));
  await quietly(patch(world, "b", { type: "ExternalName", externalName: "example.com" }));
  await quietly(patch(world, "c", { externalTrafficPolicy: "Cluster" }));
  await quietly(world.request("delete", services, { name: "d" }));
  await quietly(patch(world, "b", { type: "ClusterIP", externalName: null }));
  await quietly(world.request("delete", services, { name: "c" }));
}

test("a server that ends at any point hands out nothing twice, and what it leaves behind is found", async (t) => {
  t.diagnostic(`KEELSON_SEED=${seed}`);
  const writes = await (async () => {
    const store = mortal(new MemoryStore(), 0, true);
    const world = await start(store);
    await workload(world);
    await checkAllocations(world, store, "without an end", { complete: true });
    await world[Symbol.asyncDispose]();
    return store.writes;
  })();
  assert.ok(writes > 25, String(writes));
  for (let at = 1; at <= writes; at++) {
    for (const done of [false, true]) {
      await using disk = new MemoryStore();
      const first = await start(mortal(disk, at, done)).catch(() => undefined);
      if (first) await workload(first);
      await first?.[Symbol.asyncDispose]();

      const when = `ended at write ${at}, which was ${done ? "" : "not "}done`;
      await using second = await start(disk, first ? { clock: first.clock } : {});
      await Promise.all(["g", "h", "i"].map((name, index) => second.create(service(name, index === 0 ? { type: "NodePort" } : {}))));
      await checkAllocations(second, disk, when, { complete: false });
      await second.clock.pass(4 * 180_000);
      await checkAllocations(second, disk, when, { complete: true });
    }
  }
});

test("a write of which nobody knows whether it was done keeps what it took", async () => {
  await using disk = new MemoryStore();
  let lost = false;
  const store = mortal(disk, 0, true, (key) => {
    if (lost && key.startsWith("/registry/services/")) throw new OutcomeUnknownError("the answer was lost");
  });
  await using world = await start(store);
  lost = true;
  await assert.rejects(world.create(service("a", { type: "NodePort", clusterIP: "10.96.0.9", ports: [{ port: 80, nodePort: 30_001 }] })), { reason: "Timeout" });
  lost = false;
  await assert.rejects(world.create(service("b", { clusterIP: "10.96.0.9" })), /provided IP is already allocated/);
  await assert.rejects(world.create(service("b", { type: "NodePort", ports: [{ port: 80, nodePort: 30_001 }] })), /provided port is already allocated/);
  await checkAllocations(world, store, "after it", { complete: true });
});

test("two servers of one store share a small range without giving anything twice", async () => {
  await using disk = new MemoryStore();
  const store = mortal(disk, 0, true);
  await using first = await start(store, { clusterIpRange: "10.96.0.0/28" });
  await using second = await start(store, { clusterIpRange: "10.96.0.0/28" });
  const made = await Promise.all(Array.from({ length: 14 }, (_, at) => (at % 2 === 0 ? first : second).create(service(`s${at}`, { type: "NodePort" }))));
  assert.equal(new Set(made.map(({ spec }) => spec?.clusterIP)).size, 14);
  assert.equal(new Set(made.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size, 14);
  await checkAllocations(first, store, "of two servers", { complete: true });
});

test("ServiceCIDRs say where addresses come from", async () => {
  await using world = await start(new MemoryStore(), { clusterIpRange: "10.96.0.0/30" });
  await world.clock.pass(1);
  const [range] = world.list<ServiceCIDR>(servicecidrs);
  assert.deepEqual([range?.metadata.name, range?.spec?.cidrs], ["kubernetes", ["10.96.0.0/30"]]);
  assert.deepEqual(range?.status?.conditions?.map(({ type, status, message }) => [type, status, message]), [["Ready", "True", "Kubernetes default Service CIDR is ready"]]);

  const made = [await world.create(service("a")), await world.create(service("b"))].map(({ spec }) => spec?.clusterIP);
  assert.deepEqual(new Set(made), new Set(["10.96.0.1", "10.96.0.2"]));
  await assert.rejects(world.create(service("c")), { code: 500, message: 'Internal error occurred: failed to allocate a serviceIP for Service "c": range is full' });
  await assert.rejects(world.create(service("c", { clusterIP: "10.97.0.1" })), {
    code: 422, message: 'Service "c" is invalid: spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
  });
  await assert.rejects(world.create(service("c", { clusterIP: "10.96.0.3" })), /does not match the current range/, "the broadcast address");
  await world.request("create", servicecidrs, { body: { metadata: { name: "more" }, spec: { cidrs: ["10.97.0.0/24"] } } });
  const more = await world.create(service("c"));
  assert.match(more.spec?.clusterIP ?? "", /^10\.97\.0\./);
  assert.equal(Number(more.spec?.clusterIP?.split(".")[3]) > 16, true, "the lower band is left to those who ask");
  const address = world.list<IPAddress>(ipaddresses).find(({ metadata }) => metadata.name === more.spec?.clusterIP);
  assert.deepEqual(address?.metadata.labels, { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" });
  assert.deepEqual(address?.spec?.parentRef, { resource: "services", namespace: "default", name: "c" });
  assert.equal(address?.metadata.managedFields?.[0]?.manager, "kube-apiserver");

  await world.request("patch", servicecidrs, { name: "more", subresource: "status", patchType: "application/merge-patch+json", body: { status: { conditions: [{ type: "Ready", status: "False", reason: "Terminating", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" }] } } });
  await assert.rejects(world.create(service("d")), /range is full/, "a range that is not ready is not used");

  const dry = await world.request("create", services, { body: { ...service("dry", { type: "NodePort", clusterIP: "10.96.0.1" }) }, query: { dryRun: "All" } });
  assert.deepEqual([dry.spec?.clusterIP, dry.spec?.ports?.[0]?.nodePort], ["10.96.0.1", 32_769], "as upstream's dry run");
});

test("two families", async () => {
  await using world = await start(new MemoryStore(), { clusterIpRange: "10.96.0.0/24,fd00:10:96::/112" });
  const both = await world.create(service("a", { ipFamilyPolicy: "PreferDualStack" }));
  assert.deepEqual(both.spec?.ipFamilies, ["IPv4", "IPv6"]);
  assert.deepEqual(both.spec?.clusterIPs?.map((ip) => ip.includes(":")), [false, true]);
  const six = await world.create(service("b", { ipFamilies: ["IPv6"] }));
  assert.deepEqual([six.spec?.ipFamilyPolicy, six.spec?.clusterIPs?.length, six.spec?.clusterIP?.startsWith("fd00:10:96::")], ["SingleStack", 1, true]);
  assert.equal(world.list(ipaddresses).length, 3);

  const down = await patch(world, "a", { ipFamilyPolicy: "SingleStack" });
  assert.deepEqual([down.spec?.ipFamilies, down.spec?.clusterIPs], [["IPv4"], both.spec?.clusterIPs?.slice(0, 1)]);
  assert.equal(world.list(ipaddresses).length, 2, "the second address is given back");
  const up = await patch(world, "a", { ipFamilyPolicy: "RequireDualStack" });
  assert.deepEqual([up.spec?.ipFamilies, up.spec?.clusterIPs?.length], [["IPv4", "IPv6"], 2]);
  await assert.rejects(patch(world, "a", { ipFamilies: ["IPv4"] }), { message: /spec\.ipFamilyPolicy: Invalid value: "RequireDualStack": must be 'SingleStack' to release the secondary IP family/ });
});

test("what people bend is put straight, and told", async () => {
  await using world = await start(new MemoryStore());
  await world.clock.pass(1);
  const { spec: { clusterIP = "" } = {} } = await world.create(service("a"));
  await world.request("delete", ipaddresses, { name: clusterIP });
  await world.clock.pass(10);
  assert.equal(world.list<IPAddress>(ipaddresses).find(({ metadata }) => metadata.name === clusterIP)?.spec?.parentRef?.name, "a");
  await world.request("create", ipaddresses, { body: { metadata: { name: "10.96.0.77", labels: { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } }, spec: { parentRef: { resource: "services", namespace: "default", name: "nobody" } } } });
  await world.request("create", ipaddresses, { body: { metadata: { name: "10.96.0.78" }, spec: { parentRef: { resource: "gateways", name: "mine" } } } });
  await world.clock.pass(59_000);
  assert.equal(world.list(ipaddresses).length, 3);
  await world.clock.pass(2_000);
  assert.deepEqual(new Set(world.list(ipaddresses).map(({ metadata }) => metadata.name)), new Set([clusterIP, "10.96.0.78"]), "what others manage stays");
  assert.deepEqual(new Set(world.list<Event>(events).map(({ reason, message, type, reportingComponent }) => [type, reportingComponent, reason, message].join("|"))), new Set([
    `Warning|ipallocator-repair-controller|ClusterIPNotAllocated|Cluster IP [IPv4]: ${clusterIP} is not allocated; repairing`,
    "Warning|ipallocator-repair-controller|IPAddressNotAllocated|IPAddress: 10.96.0.77 for Service default/nobody appears to have leaked: cleaning up",
  ]));
});

test("what another server has done to the ports is seen by who would leave them as they are", async () => {
  await using store = new MemoryStore();
  const clock = new TestClock();
  const [first, second] = [1, 2].map((number) => new NodePorts({ store, clock, random: seededRandom(number), range: nodePortRange })) as [NodePorts, NodePorts];
  await first.change((ports) => void ports.take(30_001));
  await second.change((ports) => void ports.take(30_002));
  await first.change((ports) => ports.release(30_002));
  const taken = await second.read();
  assert.deepEqual([taken.has(30_001), taken.has(30_002)], [true, false]);
  await second.change((ports) => void ports.take(30_003));
  let problem: string | undefined;
  await first.change((ports) => void (problem = ports.take(30_003)));
  assert.equal(problem, "provided port is already allocated");
});
