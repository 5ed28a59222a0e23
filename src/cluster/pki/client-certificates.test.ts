import { strict as assert } from "node:assert";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { clusterAuthenticator } from "../../kube-apiserver/authentication/authenticator.ts";
import { ServiceAccountTokens } from "../../kube-apiserver/authentication/service-account-tokens.ts";
import { clusterOf } from "../../kube-apiserver/authorization/fixture.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { issueAuthority, issueCertificate, signerOf } from "./issue.ts";
import { ensurePki, type Pki } from "./pki.ts";

const folder = mkdtempSync(join(tmpdir(), "access-clients-"));
let pki: Pki;
before(async () => {
  pki = await ensurePki(folder, { clock: { now: () => Date.now() }, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [{ name: "n1", ips: ["10.0.0.1"] }] });
});
after(() => rmSync(folder, { recursive: true, force: true }));

function authenticatorAt(nowMs = Date.now()) {
  const clock = { now: () => nowMs };
  const cluster = clusterOf();
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const tokens = new ServiceAccountTokens({ cluster, clock, random: seededRandom(1), privateKeyPem: key, publicKeysPem: [], issuer: "https://x" });
  return clusterAuthenticator({
    cluster, clock, log: silentLog, clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem, requestHeaderAllowedNames: ["front-proxy-client"], tokens,
  });
}
const as = async (certificatePem: string, headers: Record<string, string | string[]> = {}, nowMs?: number) => await authenticatorAt(nowMs).authenticate({ headers, peerCertificate: new X509Certificate(certificatePem) });

test("client certificates become users and groups", async () => {
  const admin = await as(pki.admin.certificatePem);
  assert.deepEqual([admin?.name, admin?.groups], ["kubernetes-admin", ["system:masters", "system:authenticated"]]);
  assert.match(admin?.extra?.["authentication.kubernetes.io/credential-id"]?.[0] ?? "", /^X509SHA256=[0-9a-f]{64}$/);
  const node = await as(pki.nodes["n1"]!.kubeletClient.certificatePem);
  assert.deepEqual([node?.name, node?.groups], ["system:node:n1", ["system:nodes", "system:authenticated"]]);
});

test("expired certificates, those of others and those of servers do not count", async () => {
  const unauthorized = { reason: "Unauthorized", code: 401, message: "Unauthorized" };
  await assert.rejects(as(pki.admin.certificatePem, {}, Date.now() + 400 * 86_400_000), unauthorized);
  await assert.rejects(as(pki.admin.certificatePem, {}, Date.now() - 86_400_000), unauthorized);
  await assert.rejects(as(pki.apiServer.certificatePem), unauthorized);
  const validity = { notBeforeMs: Date.now() - 1_000, notAfterMs: Date.now() + 86_400_000 };
  const impostor = await signerOf(await issueAuthority("kubernetes", validity));
  const forged = await issueCertificate({ commonName: "kubernetes-admin", organizations: ["system:masters"], usages: ["client"], dnsNames: [], ips: [] }, validity, impostor);
  await assert.rejects(as(forged.certificatePem), unauthorized);
});

test("names are taken as they are, whatever they look like in print", async () => {
  const validity = { notBeforeMs: Date.now() - 1_000, notAfterMs: Date.now() + 86_400_000 };
  const signer = await signerOf(pki.ca);
  const odd = await issueCertificate({ commonName: "a, CN=system:admin\nO=system:masters", organizations: ["x + O=system:masters", "y"], usages: ["client"], dnsNames: [], ips: [] }, validity, signer);
  const user = await as(odd.certificatePem);
  assert.deepEqual([user?.name, user?.groups], ["a, CN=system:admin\nO=system:masters", ["x + O=system:masters", "y", "system:authenticated"]]);
});

test("a front proxy speaks for others, and only a front proxy", async () => {
  const headers = { "x-remote-user": "jane", "x-remote-group": ["devs", "ops"], "x-remote-extra-scopes": "a" };
  assert.deepEqual(await as(pki.frontProxyClient.certificatePem, headers), { name: "jane", groups: ["devs", "ops", "system:authenticated"], extra: { scopes: ["a"] } });
  assert.equal((await as(pki.admin.certificatePem, headers))?.name, "kubernetes-admin");
  await assert.rejects(as(pki.frontProxyClient.certificatePem), { reason: "Unauthorized" });
});
