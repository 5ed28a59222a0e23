import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inOwnProcess, servingProcess } from "./cluster.ts";
import type { LoadFigure, LoadInput } from "./load.ts";
import type { LoneServer } from "./lone-server.ts";
import type { RawServerInput } from "./raw-server.ts";
import { median, perSecond, type Row } from "./table.ts";

interface Load extends Pick<LoadInput, "method" | "path"> {
  readonly what: string;
  readonly body?: string;
  readonly inFlight: number;
  readonly upstreamPerSecond: number;
  readonly times: number;
}

const configMap = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "bench-%d" }, data: { text: "x".repeat(1500) } });
const pod = (name: string) => JSON.stringify({
  apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: "bench" } },
  // A scheduler that nobody runs: the pods stay as they are.
  spec: { schedulerName: "nobody", containers: [{ name: "main", image: "registry.example/bench:1", resources: { requests: { cpu: "100m", memory: "64Mi" } }, ports: [{ containerPort: 80 }] }] },
});
const listed = [500, 5000] as const;
const rounds = 3;
const roundMs = 2000;
const connections = 2;

/** Creates, gets and lists per second, each beside a bare HTTP/2 server that sends the same bytes; the two take turns. */
/** What the memory per object is measured with, too. */
export const createdKinds = [
  { what: "ConfigMap of 1.5 KB", path: "/api/v1/namespaces/default/configmaps", body: configMap },
  { what: "Pod", path: "/api/v1/namespaces/default/pods", body: pod("bench-%d") },
] as const;

export async function benchHttp({ spec, paths, transport }: Pick<LoneServer, "spec" | "paths" | "transport">): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bench-http-"));
  try {
    const { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } = transport.connection;
    const origin = `https://127.0.0.1:${spec.apiPort}`;
    const load = (input: Partial<LoadInput>) => inOwnProcess<LoadFigure>("load.ts", { origin, ca, certificate, key, firstNumber: 0, inFlight: 64, connections, durationMs: roundMs, ...input });
    for (const name of ["creates", ...listed.map((count) => `list-${count}`)]) {
      await load({ method: "POST", path: "/api/v1/namespaces", body: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name } }), inFlight: 1, requestsMax: 1 });
    }
    await untilServiceAccounts(load, ["creates", ...listed.map((count) => `list-${count}`)]);
    for (const count of listed) await load({ method: "POST", path: `/api/v1/namespaces/list-${count}/pods`, body: pod("pod-%d"), requestsMax: count, durationMs: 120_000 });

    const loads: readonly Load[] = [
      { what: "get one pod", method: "GET", path: "/api/v1/namespaces/list-500/pods/pod-0", inFlight: 64, upstreamPerSecond: 5260, times: 5 },
      { what: "list 500 pods", method: "GET", path: "/api/v1/namespaces/list-500/pods", inFlight: 8, upstreamPerSecond: 103, times: 10 },
      { what: "list 5,000 pods", method: "GET", path: "/api/v1/namespaces/list-5000/pods", inFlight: 2, upstreamPerSecond: 10.4, times: 10 },
      { what: "create a ConfigMap of 1.5 KB, 64 in flight, durable", method: "POST", path: "/api/v1/namespaces/creates/configmaps", body: configMap, inFlight: 64, upstreamPerSecond: 2450, times: 2 },
      { what: "create a Pod, 64 in flight, durable", method: "POST", path: "/api/v1/namespaces/creates/pods", body: pod("bench-%d"), inFlight: 64, upstreamPerSecond: 1600, times: 2 },
    ];
    const rows: Row[] = [];
    let firstNumber = 0;
    for (const each of loads) {
      const { what, method, path, body, inFlight, upstreamPerSecond, times } = each;
      const send = { method, path, ...(body !== undefined && { body }), inFlight };
      const sample = await load({ ...send, firstNumber: firstNumber++, requestsMax: 1 });
      const answer = join(folder, "answer.json");
      writeFileSync(answer, sample.firstAnswer);
      using raw = await servingProcess("raw-server.ts", {
        certificate: readFileSync(join(paths.pki, "apiserver.crt"), "utf8"), key: readFileSync(join(paths.pki, "apiserver.key"), "utf8"), clientCa: ca, answers: { [`${method} ${path}`]: answer },
      } satisfies RawServerInput);
      const [ours, bare, late]: [number[], number[], number[]] = [[], [], []];
      for (let round = 0; round < rounds; round++) {
        const figure = await load({ ...send, firstNumber });
        firstNumber += figure.requests + inFlight;
        ours.push(figure.perSecond);
        late.push(figure.p99Ms);
        bare.push((await load({ ...send, origin: `https://127.0.0.1:${raw.line}` })).perSecond);
      }
      const [measured, ceiling] = [median(ours), median(bare)];
      const budget = upstreamPerSecond * times;
      rows.push({ what, measured: perSecond(measured), raw: `p99 ${median(late).toFixed(1)} ms; bare HTTP/2: ${perSecond(ceiling)}`, ratio: measured / ceiling, budget: `${times} × upstream's ${upstreamPerSecond}/s`, met: measured >= budget });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Pods are refused in a namespace until its controller has made the default service account. */
async function untilServiceAccounts(load: (input: Partial<LoadInput>) => Promise<LoadFigure>, namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    for (let tries = 0; ; tries++) {
      try {
        await load({ method: "GET", path: `/api/v1/namespaces/${namespace}/serviceaccounts/default`, inFlight: 1, requestsMax: 1 });
        break;
      } catch (error) {
        if (tries > 20) throw error;
      }
    }
  }
}
