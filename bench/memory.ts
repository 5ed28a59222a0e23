import { systemClock } from "../src/stdx/clock.ts";
import { inOwnProcess, pssBytes } from "./cluster.ts";
import type { LoadFigure, LoadInput } from "./load.ts";
import { loneServer } from "./lone-server.ts";
import type { Row } from "./table.ts";

const objects = 10_000;
const settleMs = 10_000;

/** What one more object costs the server: in its caches and those of the controllers and the scheduler beside it. */
export async function benchMemory(kinds: readonly { readonly what: string; readonly path: string; readonly body: string }[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { what, path, body } of kinds) {
    await using server = await loneServer();
    const { certificateAuthority: ca = "", clientCertificate: certificate = "", clientKey: key = "" } = server.transport.connection;
    const create = (firstNumber: number, requestsMax: number) => inOwnProcess<LoadFigure>("load.ts", {
      origin: `https://127.0.0.1:${server.spec.apiPort}`, ca, certificate, key, method: "POST", path, body, firstNumber, inFlight: 32, connections: 1, durationMs: 120_000, requestsMax,
    } satisfies LoadInput);
    // What is kept of any traffic, and what the first thousand requests make the process grow by, is not counted.
    await systemClock.sleep(2_000, { signal: AbortSignal.timeout(60_000) });
    await create(0, objects);
    await systemClock.sleep(settleMs, { signal: AbortSignal.timeout(60_000) });
    const before = pssBytes(server.pid);
    await create(objects, objects);
    await systemClock.sleep(settleMs, { signal: AbortSignal.timeout(60_000) });
    const each = (pssBytes(server.pid) - before) / objects;
    rows.push({ what: `memory per ${what}, of the second 10,000`, measured: `${(each / 1000).toFixed(1)} KB`, raw: `as JSON it has ${(body.length / 1000).toFixed(1)} KB when it is sent` });
  }
  return rows;
}
