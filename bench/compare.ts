// `node bench/compare.ts OTHER-CHECKOUT [get|list|configmap|pod …]`: processor time of the server per request, of this checkout and of another, in turns. On a machine that others use, rates say little:
// this says what the code costs. `KEELSON_NODE_FLAGS` are given to this checkout's server only, so that flags can be compared as well.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { inOwnProcess } from "./cluster.ts";
import { createdKinds } from "./http.ts";
import type { LoadFigure, LoadInput } from "./load.ts";
import { loneServer, type LoneServer } from "./lone-server.ts";
import { median } from "./table.ts";

const rounds = Number(process.env["ROUNDS"] ?? 15);
const roundMs = 1_000;
const [configMap, pod] = createdKinds;

interface Load extends Pick<LoadInput, "method" | "path" | "inFlight"> {
  readonly body?: string;
}
const podsIn = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;
const loads: Readonly<Record<string, Load>> = {
  get: { method: "GET", path: `${podsIn("compare")}/bench-0`, inFlight: 64 },
  list: { method: "GET", path: podsIn("compare"), inFlight: 8 },
  configmap: { method: "POST", path: configMap.path, body: configMap.body, inFlight: 64 },
  pod: { method: "POST", path: pod.path, body: pod.body, inFlight: 64 },
};

/** What each thread of a process has run, in milliseconds; the main thread is the first. */
function threadsMs(pid: number): { readonly main: number; readonly all: number } {
  const ran = (tid: string): number => Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
  return { main: ran(String(pid)), all: readdirSync(`/proc/${pid}/task`).map(ran).reduce((sum, each) => sum + each, 0) };
}

class Side {
  readonly name: string;
  readonly #server: LoneServer;
  #number = 1;
  readonly main: number[] = [];
  readonly all: number[] = [];
  readonly late: number[] = [];

  constructor(name: string, server: LoneServer) {
    this.name = name;
    this.#server = server;
  }

  async load(input: Partial<LoadInput>): Promise<LoadFigure> {
    const { spec, transport: { connection: { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } } } = this.#server;
    return await inOwnProcess<LoadFigure>("load.ts", { origin: `https://127.0.0.1:${spec.apiPort}`, ca, certificate, key, firstNumber: 0, inFlight: 64, connections: 2, durationMs: roundMs, ...input });
  }

  async round(load: Load, kept: boolean): Promise<void> {
    const before = threadsMs(this.#server.pid);
    const figure = await this.load({ ...load, firstNumber: this.#number });
    const after = threadsMs(this.#server.pid);
    this.#number += figure.requests + load.inFlight;
    if (!kept) return;
    this.main.push(((after.main - before.main) * 1000) / figure.requests);
    this.all.push(((after.all - before.all) * 1000) / figure.requests);
    this.late.push(figure.p99Ms);
  }
}

/** Of four rounds one was quieter: others on the machine can only add. */
const lowQuarter = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 2] ?? 0;

const [other, ...names] = process.argv.slice(2);
if (other === undefined) throw new Error("usage: node bench/compare.ts OTHER-CHECKOUT [get|list|configmap|pod …]");
const nodeFlags = (process.env["KEELSON_NODE_FLAGS"] ?? "").split(" ").filter((flag) => flag !== "");
for (const name of names.length > 0 ? names : Object.keys(loads)) {
  const load = loads[name];
  if (!load) throw new Error(`nothing is known of ${name}; there are ${Object.keys(loads).join(", ")}`);
  await using theirs = await loneServer({ root: resolve(other) });
  await using ours = await loneServer({ root: join(import.meta.dirname, ".."), nodeFlags });
  const sides = [new Side("other", theirs), new Side("this", ours)];
  for (const side of sides) {
    await side.load({ method: "POST", path: "/api/v1/namespaces", body: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: "compare" } }), inFlight: 1, requestsMax: 1 });
    await new Promise((resolved) => setTimeout(resolved, 1_000)); // Until the namespace has its service account.
    if (load.method === "GET") await side.load({ method: "POST", path: podsIn("compare"), body: pod.body, requestsMax: 500, durationMs: 60_000 });
  }
  for (let round = -2; round < rounds; round++) for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side.round(load, round >= 0);
  for (const { name: whose, main, all, late } of sides) {
    console.log(`${name} ${whose.padEnd(5)}: main thread ${lowQuarter(main).toFixed(1)} µs, all threads ${lowQuarter(all).toFixed(1)} µs per request (median ${median(all).toFixed(1)}); p99 ${median(late).toFixed(1)} ms, least ${Math.min(...late).toFixed(1)} ms`);
  }
  const [before, after] = sides;
  // What ran beside a pair of rounds was about the same for both.
  const ratio = (of: "main" | "all"): string => median(before?.[of].map((each, round) => (after?.[of][round] ?? 0) / each) ?? []).toFixed(3);
  console.log(`${name} ratio, median of ${rounds} pairs: main thread ${ratio("main")}, all threads ${ratio("all")}`);
}
process.exit(); // Sessions that the client keeps open are of no more use.
