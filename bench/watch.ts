import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configmaps } from "../src/api/generated/core-v1.ts";
import { TypedClient } from "../src/client/typed-client.ts";
import { inOwnProcess, servingProcess } from "./cluster.ts";
import type { LoneServer } from "./lone-server.ts";
import type { RawServerInput } from "./raw-server.ts";
import { median, perSecond, type Row } from "./table.ts";
import type { WatchersFigure, WatchersInput } from "./watchers.ts";

const rounds = 3;
const createPath = "/api/v1/namespaces/default/configmaps";

/** Events to many watchers, beside a bare HTTP/2 server that writes the same bytes to as many streams; and how soon after a write its event comes. */
export async function benchWatch({ spec, paths, transport }: LoneServer): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "kb-watch-"));
  const { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } = transport.connection;
  let round = 0;
  const body = () => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: `watched-${round}-%d` }, data: { text: "x".repeat(500) } });
  const figure = async (input: Pick<WatchersInput, "watchers" | "connections" | "creates" | "inFlight">, origin = `https://127.0.0.1:${spec.apiPort}`) => {
    const { metadata } = await new TypedClient(transport).list(configmaps, { namespace: "default", limit: 1 });
    const watchPath = `${createPath}?watch=true&resourceVersion=${metadata.resourceVersion ?? ""}`; // Only what comes from now on.
    return inOwnProcess<WatchersFigure>("watchers.ts", { origin, ca, certificate, key, watchPath, createPath, body: body(), ...input } satisfies WatchersInput);
  };
  try {
    const sample = join(folder, "event.json");
    const created = await transport.request({ verb: "create", group: "", version: "v1", resource: "configmaps", namespace: "default", body: JSON.parse(body().replaceAll("%d", "sample")) as object });
    writeFileSync(sample, `${JSON.stringify({ type: "ADDED", object: created })}\n`);
    using raw = await servingProcess("raw-server.ts", {
      certificate: readFileSync(join(paths.pki, "apiserver.crt"), "utf8"), key: readFileSync(join(paths.pki, "apiserver.key"), "utf8"), clientCa: ca, answers: {}, event: sample,
    } satisfies RawServerInput);
    const many = { watchers: 1_000, connections: 10, creates: 200, inFlight: 4 };
    const few = { watchers: 1, connections: 1, creates: 500, inFlight: 1 };
    const [ours, bare, lags, totals]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (; round < rounds; round++) {
      ours.push((await figure(many)).eventsPerSecond);
      bare.push((await figure(many, `https://127.0.0.1:${raw.line}`)).eventsPerSecond);
    }
    for (; round < 2 * rounds; round++) {
      const { lagP99Ms, createToEventP99Ms } = await figure(few);
      lags.push(lagP99Ms);
      totals.push(createToEventP99Ms);
    }
    const lag = median(lags);
    return [
      { what: "watch: events to 1,000 watchers on 10 connections", measured: perSecond(median(ours)), raw: `bare HTTP/2: ${perSecond(median(bare))}`, ratio: median(ours) / median(bare) },
      { what: "watch: from the answer to a durable create to its event, p99", measured: `${lag.toFixed(2)} ms`, raw: `from the sending of the create: ${median(totals).toFixed(1)} ms`, budget: "2 ms", met: lag <= 2 },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
