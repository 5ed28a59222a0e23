import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { resources } from "../src/api/all.ts";
import { schemas } from "../src/api/schemas.ts";
import type { Transport } from "../src/apimachinery/transport.ts";
import { issueAuthority, issueCertificate, signerOf, type PemPair } from "../src/cluster/pki/issue.ts";
import { ensurePki, type Pki } from "../src/cluster/pki/pki.ts";
import { bootstrapCluster } from "../src/kube-apiserver/bootstrap/bootstrap.ts";
import { clusterAccess, openIdRoutes, type ClusterAccessOptions } from "../src/kube-apiserver/cluster-access.ts";
import { startApiServer, type ApiServer } from "../src/kube-apiserver/server.ts";
import { MemoryStore } from "../src/storage/memory/memory-store.ts";
import { systemClock } from "../src/stdx/clock.ts";
import { silentLog } from "../src/stdx/log.ts";
import { cryptoRandom } from "../src/stdx/random.ts";
import { StepRing } from "../src/stdx/steps.ts";

/** One server with everything that concerns access, reached over TLS as anybody would. */
const folder = mkdtempSync(join(tmpdir(), "access-server-"));
const ending = new AbortController();
let [pki, server, root]: [Pki, ApiServer, Transport] = [] as never;

before(async () => {
  pki = await ensurePki(folder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [{ name: "n1", ips: ["127.0.0.1"] }] });
  const requestHeaderAllowedNames = ["front-proxy-client"];
  const access: ClusterAccessOptions = {
    clock: systemClock, random: cryptoRandom, log: silentLog, signal: ending.signal, clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem,
    requestHeaderAllowedNames, serviceAccount: pki.serviceAccount, serviceAccountIssuer: "https://kubernetes.default.svc.cluster.local",
  };
  server = await startApiServer({
    store: new MemoryStore(), listeners: [{ host: "127.0.0.1", port: 0 }], resources, schemas, access: clusterAccess(access), clock: systemClock, log: silentLog, steps: new StepRing({ stepsMax: 100 }),
    tls: { certPem: pki.apiServer.certificatePem, keyPem: pki.apiServer.privateKeyPem, clientCaPem: pki.ca.certificatePem + pki.frontProxyCa.certificatePem },
    routes: openIdRoutes(access, { jwksUri: "https://127.0.0.1/openid/v1/jwks" }),
  });
  root = server.transport({ name: "system:apiserver", groups: ["system:masters"] });
  await bootstrapCluster({
    transport: root, service: { serviceIp: "10.96.0.1", addresses: ["172.30.0.1"], port: 6443 }, clientCaPem: access.clientCaPem, requestHeaderCaPem: access.requestHeaderCaPem,
    requestHeaderAllowedNames, signal: ending.signal,
  });
});
after(async () => {
  ending.abort();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer { readonly code: number; readonly body: Record<string, unknown> & { readonly message?: string } }
interface As { readonly identity?: PemPair; readonly headers?: Record<string, string | string[]>; readonly method?: string; readonly body?: object }

const ask = (path: string, { identity, headers = {}, method = "GET", body }: As = {}): Promise<Answer> => new Promise((resolve, reject) => {
  const request = httpsRequest({
    host: "127.0.0.1", port: server.addresses[0]?.port, path, method, headers: { ...headers, ...(body && { "content-type": "application/json" }) }, ca: pki.ca.certificatePem, agent: false,
    ...(identity && { cert: identity.certificatePem, key: identity.privateKeyPem }),
  }, (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part: string) => (text += part)).on("end", () => resolve({ code: response.statusCode ?? 0, body: text.startsWith("{") ? JSON.parse(text) : { text } }));
  });
  request.on("error", reject).end(body && JSON.stringify(body));
});
const whoAmI = async (as: As): Promise<unknown> => {
  const { code, body } = await ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", { ...as, method: "POST", body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" } });
  const { username, groups } = (body as { status?: { userInfo?: { username: string; groups: string[] } } }).status?.userInfo ?? {};
  return username === undefined ? code : [username, groups];
};
const create = (resource: string, object: object, namespace = "default"): Promise<unknown> => root.request({ verb: "create", group: "", version: "v1", resource, namespace, body: { apiVersion: "v1", ...object } });

test("without credentials one learns that the server is well, and no more", async () => {
  for (const [path, code] of [["/readyz", 200], ["/livez", 200], ["/version", 200], ["/api", 401], ["/api/v1/pods", 401], ["/metrics", 401], ["/openid/v1/jwks", 401], ["/", 401]] as const) assert.equal((await ask(path)).code, code, path);
});

test("certificates: ours count, expired and forged ones do not", async () => {
  assert.deepEqual(await whoAmI({ identity: pki.admin }), ["kubernetes-admin", ["system:masters", "system:authenticated"]]);
  assert.deepEqual(await whoAmI({ identity: pki.nodes["n1"]!.kubeletClient }), ["system:node:n1", ["system:nodes", "system:authenticated"]]);
  const dayMs = 86_400_000;
  const subject = { commonName: "root", organizations: ["system:masters"], usages: ["client"], dnsNames: [], ips: [] } as const;
  const expired = await issueCertificate(subject, { notBeforeMs: Date.now() - 2 * dayMs, notAfterMs: Date.now() - dayMs }, await signerOf(pki.ca));
  const validity = { notBeforeMs: Date.now() - dayMs, notAfterMs: Date.now() + dayMs };
  const forged = await issueCertificate(subject, validity, await signerOf(await issueAuthority("kubernetes", validity)));
  for (const identity of [expired, forged]) assert.equal(await whoAmI({ identity }), 401);
});

test("tokens: good ones count until their account goes, others never", async () => {
  await create("serviceaccounts", { kind: "ServiceAccount", metadata: { name: "robot" } });
  const { body } = await ask("/api/v1/namespaces/default/serviceaccounts/robot/token", { identity: pki.admin, method: "POST", body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} } });
  const token = (body as { status?: { token?: string } }).status?.token ?? "";
  const authorization = `Bearer ${token}`;
  assert.deepEqual(await whoAmI({ headers: { authorization } }), ["system:serviceaccount:default:robot", ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]]);
  assert.deepEqual((await ask("/.well-known/openid-configuration", { headers: { authorization } })).body["issuer"], "https://kubernetes.default.svc.cluster.local");
  assert.deepEqual(await ask("/api/v1/namespaces/default/secrets", { headers: { authorization } }).then(({ code, body: { message } }) => [code, message]), [
    403, 'secrets is forbidden: User "system:serviceaccount:default:robot" cannot list resource "secrets" in API group "" in the namespace "default"',
  ]);
  const [head = "", claims = "", signature = ""] = token.split(".");
  const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(claims, "base64url").toString()), sub: "system:serviceaccount:kube-system:root" })).toString("base64url");
  for (const bad of ["x", `${head}.${other}.${signature}`, `${token}x`, "a".repeat(10_000)]) assert.equal(await whoAmI({ headers: { authorization: `Bearer ${bad}` } }), 401);
  await root.request({ verb: "delete", group: "", version: "v1", resource: "serviceaccounts", namespace: "default", name: "robot" });
  assert.equal(await whoAmI({ headers: { authorization } }), 401);
});

test("acting as somebody else needs the right to, and a group with a comma stays one", async () => {
  const as = { "impersonate-user": "jane" };
  assert.deepEqual(await whoAmI({ identity: pki.admin, headers: { ...as, "impersonate-group": ["a", "b, system:masters"] } }), ["jane", ["a", "b, system:masters", "system:authenticated"]]);
  assert.equal(await whoAmI({ identity: pki.scheduler, headers: as }), 403);
  assert.equal((await ask("/api", { identity: pki.admin, headers: { "impersonate-group": "a" } })).code, 400);
});

test("a front proxy's word counts, the same headers from others do not", async () => {
  const headers = { "x-remote-user": "jane", "x-remote-group": ["devs", "ops, system:masters"] };
  assert.deepEqual(await whoAmI({ identity: pki.frontProxyClient, headers }), ["jane", ["devs", "ops, system:masters", "system:authenticated"]]);
  assert.deepEqual(await whoAmI({ identity: pki.scheduler, headers }), ["system:kube-scheduler", ["system:authenticated"]]);
  assert.equal(await whoAmI({ headers }), 401);
});

test("a node reads what its pods use", async () => {
  await create("serviceaccounts", { kind: "ServiceAccount", metadata: { name: "default" } });
  for (const name of ["used", "unused"]) await create("secrets", { kind: "Secret", metadata: { name } });
  await create("pods", { kind: "Pod", metadata: { name: "web" }, spec: { nodeName: "n1", containers: [{ name: "c", image: "i", envFrom: [{ secretRef: { name: "used" } }] }] } });
  const identity = pki.nodes["n1"]!.kubeletClient;
  const get = async (name: string) => (await ask(`/api/v1/namespaces/default/secrets/${name}`, { identity })).code;
  assert.deepEqual([await get("used"), await get("unused")], [200, 403]);
  assert.equal((await ask("/api/v1/nodes/n2", { identity, method: "DELETE" })).code, 403);
});

test("a renewed certificate is used by new connections", async () => {
  const servedSerial = () => new Promise<string>((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: server.addresses[0]?.port, ca: pki.ca.certificatePem }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
  const before = await servedSerial();
  const nowMs = Date.now();
  const { certificatePem, privateKeyPem } = await issueCertificate(
    { commonName: "kube-apiserver", organizations: [], usages: ["server"], dnsNames: ["localhost"], ips: ["127.0.0.1"] }, { notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 86_400_000 }, await signerOf(pki.ca),
  );
  server.renewTls({ certPem: certificatePem, keyPem: privateKeyPem, clientCaPem: pki.ca.certificatePem });
  assert.notEqual(await servedSerial(), before);
  assert.deepEqual(await whoAmI({ identity: pki.admin }), ["kubernetes-admin", ["system:masters", "system:authenticated"]]);
});
