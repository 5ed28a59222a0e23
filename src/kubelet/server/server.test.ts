import "reflect-metadata";
import assert from "node:assert/strict";
import { X509Certificate, webcrypto } from "node:crypto";
import { request } from "node:https";
import { test } from "node:test";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator, type JsonName } from "@peculiar/x509";
import type { Pod } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { routeOf, startKubeletServer, type KubeletServer, type KubeletServerOptions } from "./server.ts";

const curve = { name: "ECDSA", namedCurve: "P-256" } as const;
const signing = { name: "ECDSA", hash: "SHA-256" } as const;
interface Credentials { readonly cert: string; readonly key: string }
const newKeys = () => webcrypto.subtle.generateKey(curve, true, ["sign", "verify"]);
type Keys = Awaited<ReturnType<typeof newKeys>>;

async function issue(name: JsonName, authority?: { readonly name: JsonName; readonly keys: Keys }): Promise<Credentials & { readonly name: JsonName; readonly keys: Keys }> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: "01", subject: name, issuer: authority?.name ?? name, signingAlgorithm: signing, publicKey: keys.publicKey, signingKey: (authority ?? { keys }).keys.privateKey,
    notBefore: new Date("2020-01-01"), notAfter: new Date("2120-01-01"), extensions: authority ? [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])] : [new BasicConstraintsExtension(true)],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { name, keys, cert: certificate.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
}

const authority = await issue([{ CN: ["the authority"] }]);
const serving = await issue([{ CN: ["node"] }], authority);
const apiServer = await issue([{ O: ["system:masters"] }, { CN: ["kube-apiserver-kubelet-client"] }], authority);
const alice = await issue([{ O: ["readers"] }, { O: ["writers"] }, { CN: ["alice"] }], authority);
const stranger = await issue([{ CN: ["kube-apiserver-kubelet-client"] }], await issue([{ CN: ["the authority"] }]));

interface Asked { readonly name: string; readonly groups: readonly string[]; readonly verb: string; readonly subresource: string }

const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "ns", uid: "u" }, spec: { containers: [{ name: "c", image: "i" }] } };

async function started(asked: Asked[], overrides: Partial<KubeletServerOptions> = {}): Promise<KubeletServer> {
  return startKubeletServer({
    host: "127.0.0.1", port: 0, tls: { certificate: serving.cert, key: serving.key, clientCa: authority.cert }, clock: systemClock, log: silentLog, signal: new AbortController().signal,
    pods: { list: () => [pod], find: (namespace, name) => (namespace === "ns" && name === "p" ? pod : undefined), sandboxId: () => Promise.resolve(undefined), runningContainerId: () => Promise.resolve(undefined) },
    cri: {} as unknown as Cri, // No request of these tests gets as far as the runtime.
    authorize: ({ name, groups }, { verb, subresource }) => {
      asked.push({ name, groups, verb, subresource });
      return Promise.resolve(name === "kube-apiserver-kubelet-client" || subresource === "healthz");
    },
    pages: { "/metrics": () => Promise.resolve({ contentType: "text/plain", body: "figures" }) }, ...overrides,
  });
}

function ask(server: KubeletServer, path: string, credentials: Credentials | undefined, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly code: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: server.port, path, ca: authority.cert, agent: false, headers, ...(credentials && { cert: credentials.cert, key: credentials.key }) }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("who has no certificate of ours is nobody, whatever their name", async () => {
  assert.ok(new X509Certificate(stranger.cert).subject.includes("kube-apiserver-kubelet-client"));
  const asked: Asked[] = [];
  await using server = await started(asked);
  for (const credentials of [undefined, stranger]) {
    for (const path of ["/healthz", "/pods", "/exec/ns/p/c?command=sh&output=1", "/nothing"]) assert.deepEqual(await ask(server, path, credentials), { code: 401, body: "Unauthorized" }, path);
    assert.equal((await ask(server, "/exec/ns/p/c?command=sh&output=1", credentials, { "connection": "upgrade", "upgrade": "SPDY/3.1" })).code, 401);
  }
  assert.deepEqual(asked, []);
});

test("others are asked about with their name, groups and what they want; any of a path's permissions is enough", async () => {
  const asked: Asked[] = [];
  await using server = await started(asked);
  const groups = ["readers", "writers", "system:authenticated"];
  assert.deepEqual(await ask(server, "/pods", alice), { code: 403, body: "Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[pods proxy])\n" });
  assert.deepEqual(await ask(server, "/metrics", alice), { code: 403, body: "Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[metrics])\n" });
  assert.deepEqual(await ask(server, "/healthz", alice), { code: 200, body: "ok" });
  assert.deepEqual(asked, ["pods", "proxy", "metrics", "healthz"].map((subresource) => ({ name: "alice", groups, verb: "get", subresource })));
});

test("when nobody can be asked, nobody is let in", async () => {
  await using server = await started([], { authorize: () => Promise.reject(new Error("the API server is away")) });
  assert.deepEqual(await ask(server, "/metrics", alice), { code: 500, body: "Authorization error (user=alice, verb=get, resource=nodes, subresource=metrics)" });
});

test("the API server is answered", async () => {
  await using server = await started([]);
  assert.deepEqual(await ask(server, "/metrics", apiServer), { code: 200, body: "figures" });
  assert.equal((JSON.parse((await ask(server, "/pods", apiServer)).body) as { readonly items: readonly unknown[] }).items.length, 1);
  const upgrade = { "connection": "upgrade", "upgrade": "SPDY/3.1" };
  const table: readonly (readonly [string, Readonly<Record<string, string>>, number, string])[] = [
    ["/nothing", {}, 404, "404 page not found"],
    ["/nothing/ns/p", upgrade, 404, "404 page not found"],
    ["/exec/ns/p/c?command=sh&output=1", {}, 400, "Upgrade request required"],
    ["/exec/ns/p/c?command=sh&output=1", upgrade, 500, 'container not found ("c")'],
    ["/exec/ns/p/c?command=sh", upgrade, 400, "you must specify at least 1 of stdin, stdout, stderr"],
    ["/exec/ns/other/c?command=sh&output=1", upgrade, 404, "pod does not exist"],
    ["/attach/ns/p/c?output=1", upgrade, 500, "container c not found in pod p_ns"],
    ["/containerLogs/ns/other/c", {}, 404, 'pod "other" does not exist'],
    ["/containerLogs/ns/p/zz", {}, 404, 'container "zz" not found in pod "p"'],
    ["/containerLogs/ns/p/c", {}, 400, 'container "c" in pod "p" is not available'],
    ["/containerLogs/ns/p/c?tailLines=-1", {}, 422, '{"message": "Invalid request."}'],
    ["/exec/%zz", {}, 400, "malformed path"],
    ["/exec/%zz", upgrade, 400, "malformed path"],
  ];
  for (const [path, headers, code, body] of table) assert.deepEqual(await ask(server, path, apiServer, headers), { code, body }, path);
});

test("methods and paths are permissions", () => {
  const table: readonly (readonly [string, string, string, readonly string[]])[] = [
    ["/exec/a/b/c", "POST", "create", ["proxy"]], ["/exec/a/b/c", "GET", "get", ["proxy"]], ["/stats/summary", "GET", "get", ["stats"]], ["/metrics/cadvisor", "GET", "get", ["metrics"]],
    ["/logs/", "GET", "get", ["log"]], ["/runningpods/", "GET", "get", ["pods", "proxy"]], ["/configz", "PUT", "update", ["configz", "proxy"]], ["/constructor", "DELETE", "delete", ["proxy"]], ["/podsandmore", "GET", "get", ["proxy"]],
  ];
  for (const [path, method, verb, subresources] of table) assert.deepEqual(routeOf(path, method), { verb, subresources }, path);
});

test("an end of the server ends its connections", async () => {
  const ending = new AbortController();
  await using server = await started([], { signal: ending.signal, pages: { "/slow": () => new Promise(() => {}) } });
  const waiting = ask(server, "/slow", apiServer);
  await ask(server, "/healthz", apiServer);
  ending.abort();
  await assert.rejects(waiting);
});
