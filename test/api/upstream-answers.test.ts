import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { startTestServer, type TestServer } from "../api-server/fixture.ts";

/**
 * Requests that were sent to upstream's own kube-apiserver 1.36.2, and what it answered, one story after the other as they follow each other in a namespace. What differs from run to run (identities, revisions,
 * times, addresses) has a name in capitals; the order of keys does not count. Steps without an answer are sent for what they change.
 */
interface Step {
  readonly send: string;
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly code?: number;
  readonly warning?: string;
  readonly answer?: unknown;
}
interface Story { readonly story: string; readonly steps: readonly Step[] }

const stories = JSON.parse(readFileSync(join(import.meta.dirname, "../golden/answers.json"), "utf8")) as readonly Story[];

/** Stands in a body for the last answer with other labels. */
const last = "@@LAST@@";

/** Puts names in place of what is of this run. */
const plain = (text: string, namespace: string): string => text.replaceAll(namespace, "@@NS@@")
  .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UID")
  .replaceAll(/(\\*"resourceVersion\\*": ?\\*")\d+(\\*")/g, "$1N$2")
  .replaceAll(/\b20(2[5-9]|3\d)-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => (time.startsWith("2026-01-01") ? time : "TIME"))
  .replaceAll(/\b10\.96\.(?!200\.)\d+\.\d+\b/g, "ADDRESS").replaceAll(/(gen-)[a-z0-9]{5}\b/g, "$1SUFFIX").replaceAll(/(current: |ResourceVersion: )\d+/g, "$1N")
  .replaceAll(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-SUFFIX").replaceAll(/("nodePort": ?)3\d{4}/g, "$1NODEPORT").replaceAll(/X509SHA256=[0-9a-f]{64}/g, "X509SHA256=SUM");

interface Answer { readonly code: number; readonly warning: string | undefined; readonly text: string }

let server: TestServer;
let agent: Agent;

function send(method: string, path: string, { type, accept, headers, body }: Pick<Step, "type" | "accept" | "headers" | "body">): Promise<Answer> {
  const url = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({
      host: url.hostname, port: url.port, method, path, agent,
      headers: { "user-agent": "parity/v1", ...(accept !== undefined && { accept }), ...(body !== undefined && type !== "" && { "content-type": type ?? "application/json" }), ...(body !== undefined && { "content-length": Buffer.byteLength(body) }), ...headers },
    }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => void (text += piece)).on("error", reject);
      response.on("end", () => resolve({ code: response.statusCode ?? 0, warning: response.headers["warning"] === undefined ? undefined : String(response.headers["warning"]), text }));
    });
    sent.on("error", reject).end(body);
  });
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
};

interface Owner { readonly manager: string; readonly operation?: string; readonly subresource?: string; readonly apiVersion?: string }
const isOwner = (value: unknown): value is Owner => typeof value === "object" && value !== null && "manager" in value;
const ownerKey = ({ manager, operation, subresource = "", apiVersion }: Owner): string => `${manager} ${operation} ${subresource} ${apiVersion}`;
/** Owners stand in the order of their times, which are those of this run. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    const all = value.map(sorted);
    return all.length > 0 && all.every(isOwner) ? all.toSorted((a, b) => (ownerKey(a) < ownerKey(b) ? -1 : 1)) : all;
  }
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sorted(each)])) : value;
};

interface Labelled { readonly metadata?: object }
const withLabels = (answer: unknown, change: object): string => JSON.stringify({ ...(answer as Labelled), metadata: { ...(answer as Labelled).metadata, ...change } });

describe("what upstream's server answers", () => {
  before(async () => {
    server = await startTestServer();
    agent = new Agent({ keepAlive: true, ca: server.ca, cert: server.pki.admin.certificatePem, key: server.pki.admin.privateKeyPem, checkServerIdentity: () => undefined });
  });
  after(async () => {
    agent.destroy();
    assert.deepEqual(server.complaints, []);
    await server[Symbol.asyncDispose]();
  });

  for (const [index, { story, steps }] of stories.entries()) {
    test(story, async () => {
      const namespace = `pstory-${index}`;
      await send("POST", "/api/v1/namespaces", { body: JSON.stringify({ metadata: { name: namespace } }) });
      await send("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: JSON.stringify({ metadata: { name: "default" } }) });
      let before: unknown;
      for (const { send: line, code, answer, warning, ...step } of steps) {
        const space = line.indexOf(" ");
        const [method, path] = [line.slice(0, space), line.slice(space + 1).replaceAll("@@NS@@", namespace)];
        const body = step.body?.includes(last) === true ? withLabels(before, (JSON.parse(step.body) as Record<string, object>)[last] ?? {}) : step.body?.replaceAll("@@NS@@", namespace);
        const got = await send(method, path, { ...step, ...(body !== undefined && { body }) });
        before = parsed(got.text);
        if (code === undefined) continue;
        const told = `${line} ${step.type ?? ""} ${step.body?.slice(0, 500) ?? ""}`;
        assert.deepEqual({ code: got.code, warning: got.warning && plain(got.warning, namespace), answer: sorted(parsed(plain(got.text, namespace))) }, { code, warning, answer }, told);
      }
    });
  }
});
