import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ContainerStatus, Pod } from "../../api/generated/core-v1.ts";
import type { Clock } from "../../stdx/clock.ts";
import { containerForLog, logOptionsOf, RequestError } from "./log-request.ts";
import { offsetOfTail, readLog, renderLine, type LogOptions } from "./logs.ts";

const folder = mkdtempSync(join(tmpdir(), "keelson-logs-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = (text: string): string => {
  const path = join(folder, String(files++), "0.log");
  rmSync(join(path, ".."), { recursive: true, force: true });
  return written(path, text);
};
function written(path: string, text: string): string {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** Waits for nothing but changes of files. */
const stillClock: Clock = {
  now: () => 0,
  sleep: (_, { signal }) => new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })),
};
const plain: LogOptions = { follow: false, timestamps: false, stream: "All" };
const line = (index: number, text: string, tag = "F", stream = "stdout"): string => `2026-01-01T00:00:${String(index).padStart(2, "0")}.5Z ${stream} ${tag} ${text}\n`;

async function read(path: string, options: Partial<LogOptions>, isRunning: () => boolean = () => false): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of readLog({ path, isRunning: () => Promise.resolve(isRunning()) }, { ...plain, ...options }, { clock: stillClock, signal: new AbortController().signal })) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

test("ways of asking for a short log", async () => {
  const path = file(line(1, "one") + line(2, "two", "F", "stderr") + line(3, "th", "P") + line(4, "ree") + line(5, "end", "P"));
  const table: readonly (readonly [Partial<LogOptions>, string])[] = [
    [{}, "one\ntwo\nthree\nend"], [{ tailLines: 0 }, ""], [{ tailLines: 1 }, "end"], [{ tailLines: 99 }, "one\ntwo\nthree\nend"], [{ limitBytes: 5 }, "one\nt"], [{ limitBytes: 4 }, "one\n"],
    [{ stream: "Stderr" }, "two\n"], [{ stream: "Stdout" }, "one\nthree\nend"], [{ sinceMs: Date.parse("2026-01-01T00:00:02.5Z") }, "two\nthree\nend"], [{ sinceMs: Date.parse("2027-01-01T00:00:00Z") }, ""],
    [{ timestamps: true, tailLines: 5 }, "2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:02.5Z two\n2026-01-01T00:00:03.5Z three\n2026-01-01T00:00:05.5Z end"],
  ];
  for (const [options, expected] of table) assert.equal(await read(path, options), expected, JSON.stringify(options));
});

test("the tail is found across block borders, whatever the length of lines", async () => {
  for (const length of [1, 100, 4_093, 65_505, 65_536, 70_000]) {
    const lines = Array.from({ length: 7 }, (_, index) => line(index, "x".repeat(length)));
    const path = file(lines.join(""));
    await using handle = await open(path, "r");
    for (let count = 0; count <= 8; count++) assert.equal(await offsetOfTail(handle, count), lines.slice(0, Math.max(7 - count, 0)).join("").length, `${count} lines of ${length}`);
  }
});

test("characters that lie across blocks stay whole", async () => {
  const text = "é€😀".repeat(30_000);
  assert.equal(await read(file(line(1, text)), {}), `${text}\n`);
});

test("lines that are no log lines are left out, and an empty line is one", () => {
  assert.equal(renderLine("nonsense", plain, false), undefined);
  assert.deepEqual(renderLine("2026-01-01T00:00:00Z stdout F ", plain, false), { text: "\n", partial: false });
});

test("following goes on while the container runs, over a rotation, and reads the last words", async () => {
  const path = file(line(1, "one"));
  const parts: string[] = [];
  let running = true;
  const steps: readonly (readonly [string, () => void])[] = [
    ["one\n", () => appendFileSync(path, line(2, "two"))],
    ["two\n", () => {
      appendFileSync(path, line(3, "last of the old file"));
      renameSync(path, `${path}.1`);
      writeFileSync(path, line(4, "first of the new file"));
    }],
    ["first of the new file\n", () => {
      appendFileSync(path, line(5, "half").slice(0, -3));
    }],
  ];
  let step = 0;
  const source = { path, isRunning: () => Promise.resolve(running) };
  const following = (async () => {
    for await (const chunk of readLog(source, { ...plain, follow: true }, { clock: stillClock, signal: new AbortController().signal })) {
      parts.push(chunk.toString());
      const [wanted, act] = steps[step] ?? [];
      if (wanted === undefined || !parts.join("").endsWith(wanted)) continue;
      step++;
      act?.();
      if (step === steps.length) {
        running = false;
        appendFileSync(path, `lf\n${line(6, "the end")}`);
      }
    }
  })();
  await following;
  assert.equal(parts.join(""), "one\ntwo\nlast of the old file\nfirst of the new file\nhalf\nthe end\n");
});

test("following ends at once for a client that goes", async () => {
  const gone = new AbortController();
  const reading = readLog({ path: file(line(1, "one")), isRunning: () => Promise.resolve(true) }, { ...plain, follow: true }, { clock: stillClock, signal: gone.signal });
  assert.equal((await reading.next()).value?.toString(), "one\n");
  const next = reading.next();
  gone.abort(new Error("gone"));
  await assert.rejects(next, /gone/);
});

test("without a file there is ENOENT", async () => {
  await assert.rejects(read(join(folder, "none"), {}), { code: "ENOENT" });
});

test("queries", () => {
  const ask = (text: string) => logOptionsOf(new URLSearchParams(text), 10_000);
  assert.deepEqual(ask(""), { follow: false, previous: false, timestamps: false, stream: "All" });
  assert.deepEqual(ask("follow=true&previous=1&timestamps=true&tailLines=0&limitBytes=7&sinceSeconds=4&stream=Stdout"), { follow: true, previous: true, timestamps: true, stream: "Stdout", tailLines: 0, limitBytes: 7, sinceMs: 6_000 });
  assert.equal(ask("sinceTime=1970-01-01T00:00:01Z").sinceMs, 1_000);
  for (const [text, code] of [["tailLines=x", 400], ["tailLines=-1", 422], ["limitBytes=0", 422], ["sinceTime=never", 400], ["stream=Other", 400]] as const) {
    assert.throws(() => ask(text), (error: unknown) => error instanceof RequestError && error.code === code, text);
  }
});

test("which container's log answers, and what is said when there is none", () => {
  const status = (state: ContainerStatus["state"], rest: Partial<ContainerStatus> = {}): Pod =>
    ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, status: { containerStatuses: [{ name: "c", image: "i", imageID: "", ready: false, restartCount: 0, ...(state && { state }), ...rest }] } });
  const ended = { exitCode: 1, containerID: "containerd://old" };
  const table: readonly (readonly [Pod, boolean, string | RegExp])[] = [
    [status({ running: {} }, { containerID: "containerd://now" }), false, "now"],
    [status({ running: {} }, { containerID: "containerd://now", lastState: { terminated: ended } }), true, "old"],
    [status({ terminated: { exitCode: 0, containerID: "containerd://end" } }), false, "end"],
    [status({ waiting: { reason: "CrashLoopBackOff" } }, { lastState: { terminated: ended } }), false, "old"],
    [status({ running: {} }, { containerID: "containerd://now" }), true, /^previous terminated container "c" in pod "p" not found$/],
    [status({ waiting: { reason: "ErrImagePull" } }), false, /^container "c" in pod "p" is waiting to start: image can't be pulled$/],
    [status({ waiting: { reason: "ImagePullBackOff" } }), false, /^container "c" in pod "p" is waiting to start: trying and failing to pull image$/],
    [status({ waiting: { reason: "PodInitializing" } }), false, /^container "c" in pod "p" is waiting to start: PodInitializing$/],
    [status(undefined), false, /^container "c" in pod "p" is waiting to start - no logs yet$/],
    [status({ terminated: { exitCode: 0 } }), false, /^container "c" in pod "p" is terminated$/],
    [{ apiVersion: "v1", kind: "Pod", metadata: { name: "p" } }, false, /^container "c" in pod "p" is not available$/],
  ];
  for (const [pod, previous, expected] of table) {
    if (typeof expected === "string") assert.equal(containerForLog(pod, "c", previous), expected);
    else assert.throws(() => containerForLog(pod, "c", previous), (error: unknown) => error instanceof RequestError && error.code === 400 && expected.test(error.message));
  }
});
