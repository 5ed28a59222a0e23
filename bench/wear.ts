import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/stdx/clock.ts";
import { benchCluster } from "./cluster.ts";
import { megabytes, type Row } from "./table.ts";

const nodes = 3;
const settleMs = 30_000;
/** Two ticks of compaction lie in twice five minutes; less shows heartbeats only. */
const measuredMs = Number(process.env["KEELSON_BENCH_WEAR_MS"] ?? 120_000);
const dayMs = 24 * 60 * 60 * 1000;

/** What a process has made the kernel write to disks, in bytes (pages that are written over before the kernel gets to them count once). */
const writtenBytes = (pid: number): number => Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1] ?? 0);

const tracer = "/usr/bin/strace";

/** Counts how often a process asks for a flush of a file, in any of its threads; undefined where strace is not installed. */
function countFlushes(pid: number): { readonly end: () => Promise<number | undefined> } {
  if (!existsSync(tracer)) return { end: () => Promise.resolve(undefined) };
  const folder = mkdtempSync(join(tmpdir(), "keelson-wear-"));
  const file = join(folder, "calls");
  const child = spawn(tracer, ["-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", file, "-p", String(pid)], { stdio: "ignore" });
  return { end: async () => {
    const exited = once(child, "exit");
    child.kill("SIGINT");
    await exited;
    const count = readFileSync(file, "utf8").split("\n").filter((line) => /\bf(?:data)?sync\(/.test(line)).length;
    rmSync(folder, { recursive: true });
    return count;
  } };
}

/** What an idle cluster costs a flash card: bytes written a day. The journal of the file system comes on top. */
export async function benchWear(): Promise<Row[]> {
  const { signal } = new AbortController();
  await using cluster = await benchCluster(`bench-${process.pid % 10_000}-wear`, { nodes });
  await systemClock.sleep(settleMs, { signal });
  const pid = cluster.pid("server");
  const revision = async (): Promise<number> => {
    using response = await cluster.transport.raw({ method: "GET", path: "/api/v1/namespaces/default/configmaps?limit=1" });
    return Number((JSON.parse(await response.text()) as { metadata: { resourceVersion: string } }).metadata.resourceVersion);
  };
  const [bytes, before, began] = [writtenBytes(pid), await revision(), performance.now()];
  const counting = countFlushes(pid);
  await systemClock.sleep(measuredMs, { signal });
  const perDay = dayMs / (performance.now() - began);
  const flushes = await counting.end();
  const [written, writes] = [writtenBytes(pid) - bytes, (await revision()) - before];
  return [{
    what: `written to disk a day by the server of an idle cluster of ${nodes} nodes`, measured: megabytes(written * perDay),
    raw: `${(writes * perDay).toFixed(0)} writes a day, ${(written / Math.max(1, writes) / 1024).toFixed(1)} KiB each${flushes === undefined ? "" : `; ${(flushes * perDay).toFixed(0)} flushes, ${(flushes / Math.max(1, writes)).toFixed(2)} a write`}`,
  }];
}
