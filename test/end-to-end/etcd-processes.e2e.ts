import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deployments, replicasets, type Deployment } from "../../src/api/generated/apps-v1.ts";
import { leases } from "../../src/api/generated/coordination-v1.ts";
import { HttpTransport } from "../../src/client/http-transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { pathsOf, type ClusterSpec } from "../../src/cluster/spec.ts";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { pkiSubjects } from "../../src/cluster/pki/cluster-subjects.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { EtcdCluster, skip } from "../etcd/etcd-cluster.ts";

const program = join(import.meta.dirname, "../../src/bin/keelson.ts");
const namespace = "default";
/** An address of this machine that may stand in Endpoints; what is sent to it stays on the machine. */
const own = Object.values(networkInterfaces()).flat().find((each) => each?.family === "IPv4" && !each.internal)?.address;
const skipped = skip === false && own === undefined ? "this machine has no address but loopback" : skip;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Server { readonly child: ChildProcess; readonly client: TypedClient; readonly log: string }

test("two keelson servers on one etcd: one leads, and the other takes over", { skip: skipped, timeout: 120_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-etcd-servers-"));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const etcd = stack.use(await EtcdCluster.start());
  const spec = (apiPort: number): ClusterSpec => ({
    name: "shared", index: 0, apiPort, bridge: "none", gateway: own ?? "", nodeCidr: "192.0.2.0/24", podCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16", clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local", nodes: [], registryMirrors: {}, createdAt: "2026-01-01T00:00:00Z",
  });
  const start = async (home: string, pkiFrom?: string): Promise<Server> => {
    const apiPort = await freePort();
    const paths = pathsOf(home, "shared");
    mkdirSync(paths.root, { recursive: true });
    const decided = spec(apiPort);
    writeFileSync(paths.spec, JSON.stringify(decided));
    if (pkiFrom !== undefined) cpSync(pkiFrom, paths.pki, { recursive: true });
    const pki = await ensurePki(paths.pki, pkiSubjects(decided, systemClock));
    const log = join(home, "server.log");
    const out = openSync(log, "a");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, "server", "--state", paths.root, "--store", `etcd=${etcd.urls}`], { stdio: ["ignore", out, out] });
    stack.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    });
    const transport = new HttpTransport({ clock: systemClock, connection: {
      server: `https://127.0.0.1:${apiPort}`, certificateAuthority: pki.ca.certificatePem, clientCertificate: pki.admin.certificatePem, clientKey: pki.admin.privateKeyPem,
    } });
    stack.use(transport);
    return { child, log, client: new TypedClient(transport) };
  };
  const until = async <T>(what: string, log: string, ask: () => Promise<T | undefined>, timeoutMs = 40_000): Promise<T> => {
    const began = performance.now();
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer !== undefined) {
        t.diagnostic(`${what}: ${Math.round(performance.now() - began)} ms`);
        return answer;
      }
      assert.ok(performance.now() - began < timeoutMs, `${what}: not within ${timeoutMs} ms\n${existsSync(log) ? readFileSync(log, "utf8").slice(-4000) : ""}`);
      await systemClock.sleep(20, { signal: AbortSignal.timeout(1000) });
    }
  };
  const holder = async (client: TypedClient): Promise<string | undefined> => {
    const { spec: lease } = await client.get(leases, { namespace: "kube-system", name: "kube-controller-manager" });
    return lease?.holderIdentity === "" ? undefined : lease?.holderIdentity;
  };
  const deployment = (name: string): Deployment => ({
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace },
    spec: { replicas: 2, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "nginx" }] } } },
  });
  const works = async (name: string, { client, log }: Server): Promise<void> => {
    await client.create(deployments, deployment(name));
    await until(`${name}: its replica set is there`, log, async () => (await client.list(replicasets, { namespace })).items.find(({ metadata }) => metadata.labels?.["app"] === name));
    assert.equal((await client.list(replicasets, { namespace })).items.filter(({ metadata }) => metadata.labels?.["app"] === name).length, 1);
  };

  const first = await start(join(folder, "a"));
  const one = await until("the first server leads", first.log, () => holder(first.client));
  const second = await start(join(folder, "b"), pathsOf(join(folder, "a"), "shared").pki);
  await until("the second server answers", second.log, () => holder(second.client));
  assert.equal(await holder(second.client), one);
  await works("through-the-second", second);

  first.child.kill("SIGTERM");
  const two = await until("handed over after a clean stop", second.log, async () => {
    const now = await holder(second.client);
    return now === one ? undefined : now;
  });
  await works("after-the-stop", second);

  const third = await start(join(folder, "c"), pathsOf(join(folder, "a"), "shared").pki);
  await until("the third server answers", third.log, () => holder(third.client));
  second.child.kill("SIGKILL");
  await until("handed over after a kill", third.log, async () => {
    const now = await holder(third.client);
    return now === two ? undefined : now;
  });
  await works("after-the-kill", third);
});
