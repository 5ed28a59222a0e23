import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { WebSocketServer, type WebSocket } from "ws";
import { systemClock } from "../../stdx/clock.ts";
import { ExitError } from "../errors.ts";
import { parseFlags } from "../flags.ts";
import { globalFlags } from "../global-flags.ts";
import { Session } from "../session.ts";
import { keyBytes, runRemote, type RemoteCommand } from "./remote-command.ts";

const message = (channel: number, text: string): Buffer => Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

interface Remote {
  readonly received: Buffer[];
  /** What the user sees. */
  readonly shown: { stdout: string; stderr: string };
  readonly asked: string[];
}

/** Runs a command against a server that answers as a kubelet does behind the API server. */
async function against(answer: (socket: WebSocket, data: Buffer) => void, stdin: Readable | undefined, more: Partial<RemoteCommand> = {}): Promise<Remote> {
  const remote: Remote = { received: [], shown: { stdout: "", stderr: "" }, asked: [] };
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => ([...offered][0] ?? false) });
  sockets.on("connection", (socket, request) => {
    remote.asked.push(`${socket.protocol} ${request.url}`);
    socket.on("message", (data) => {
      remote.received.push(data as Buffer);
      answer(socket, data as Buffer);
    });
    if (!stdin) answer(socket, Buffer.alloc(0));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const folder = mkdtempSync(join(tmpdir(), "keelson-remote-"));
  const path = join(folder, "kubeconfig");
  writeFileSync(path, `clusters: [{name: a, cluster: {server: "http://127.0.0.1:${(http.address() as AddressInfo).port}"}}]\ncontexts: [{name: a, context: {cluster: a}}]\ncurrent-context: a\n`);
  const text = (data: string | Uint8Array): string => (typeof data === "string" ? data : Buffer.from(data).toString("utf8"));
  using session = new Session({
    stdin: stdin ?? Readable.from([]), stdout: { write: (data) => (remote.shown.stdout += text(data)) }, stderr: { write: (data) => (remote.shown.stderr += text(data)) }, env: {}, clock: systemClock,
    signal: new AbortController().signal, name: "kubectl",
  }, parseFlags(["--kubeconfig", path], globalFlags), "kubectl exec");
  try {
    await runRemote(session, { path: "/api/v1/namespaces/n/pods/p/exec", query: [["command", "a b"], ["stdout", "true"]], stdin, tty: false, ...more });
    return remote;
  } finally {
    sockets.close();
    http.close();
    rmSync(folder, { recursive: true });
  }
}

const end = (socket: WebSocket, status: object): void => {
  socket.send(message(3, JSON.stringify(status)));
  socket.close();
};

describe("a remote command", () => {
  test("shows both outputs and ends well", async () => {
    const { shown, asked } = await against((socket) => {
      socket.send(message(1, "out"));
      socket.send(message(2, "err"));
      end(socket, { status: "Success" });
    }, undefined);
    assert.deepEqual(shown, { stdout: "out", stderr: "err" });
    assert.deepEqual(asked, ["v5.channel.k8s.io /api/v1/namespaces/n/pods/p/exec?command=a%20b&stdout=true"]);
  });

  test("passes input on, and its end", async () => {
    const { received } = await against((socket, data) => data[0] === 255 && end(socket, { status: "Success" }), Readable.from([Buffer.from("hello")]));
    assert.deepEqual(received, [message(0, "hello"), Buffer.of(255, 0)]);
  });

  test("ends with the exit code of the command", async () => {
    const failure = { status: "Failure", reason: "NonZeroExitCode", message: "command terminated with non-zero exit code", details: { causes: [{ reason: "ExitCode", message: "42" }] } };
    await assert.rejects(against((socket) => end(socket, failure), undefined), (error) => error instanceof ExitError && error.code === 42 && error.message === "command terminated with exit code 42");
  });

  test("says what went wrong there", async () => {
    await assert.rejects(against((socket) => end(socket, { status: "Failure", message: "no such file" }), undefined), { message: "no such file" });
  });

  test("is left by the detach keys, which are not passed on", async () => {
    const stdin = new Readable({ read() {} });
    stdin.push(Buffer.from([97, 16, 98, 16, 17, 99]));
    const { received } = await against(() => undefined, stdin, { tty: true, detachKeys: keyBytes("ctrl-p,ctrl-q") });
    assert.deepEqual(Buffer.concat(received.map((each) => each.subarray(1))), Buffer.from([97, 16, 98]));
  });
});
