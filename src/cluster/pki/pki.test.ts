import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { systemClock } from "../../stdx/clock.ts";
import { silentLog } from "../../stdx/log.ts";
import { ensurePki, type PkiOptions } from "./pki.ts";
import { keepPkiCurrent } from "./renewal.ts";

const dayMs = 86_400_000;
const options: PkiOptions = {
  clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: ["172.30.0.1", "fd00::1"], nodes: [{ name: "dev-1", ips: ["172.30.0.2"] }],
};
function scratch(): Disposable & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), "access-pki-"));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
const filesUnder = (folder: string): string[] => readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));

test("openssl verifies every certificate against its authority", async () => {
  using place = scratch();
  const pki = await ensurePki(place.folder, options);
  const verify = (authority: string, purpose: string, path: string) => execFileSync("openssl", ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", join(place.folder, authority), path], { encoding: "utf8" });
  for (const { certificatePath } of [pki.apiServer, pki.nodes["dev-1"]!.kubeletServing]) assert.match(verify("ca.crt", "sslserver", certificatePath), /: OK/);
  for (const { certificatePath } of [pki.admin, pki.scheduler, pki.controllerManager, pki.kubeProxy, pki.clusterDns, pki.apiServerKubeletClient, pki.nodes["dev-1"]!.kubeletClient]) {
    assert.match(verify("ca.crt", "sslclient", certificatePath), /: OK/);
  }
  assert.match(verify("front-proxy-ca.crt", "sslclient", pki.frontProxyClient.certificatePath), /: OK/);
  assert.match(execFileSync("openssl", ["x509", "-noout", "-subject", "-in", pki.admin.certificatePath], { encoding: "utf8" }), /O = system:masters, CN = kubernetes-admin/);

  const serving = new X509Certificate(pki.apiServer.certificatePem);
  for (const name of ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"]) assert.equal(serving.checkHost(name), name);
  for (const ip of ["127.0.0.1", "10.96.0.1", "172.30.0.1"]) assert.equal(serving.checkIP(ip), ip);
  for (const path of filesUnder(place.folder)) assert.equal(statSync(path).mode & 0o777, 0o600, path);
});

test("a server and a client prove themselves to each other over TLS", async () => {
  using place = scratch();
  const pki = await ensurePki(place.folder, options);
  const server = createServer({ cert: pki.apiServer.certificatePem, key: pki.apiServer.privateKeyPem, ca: pki.ca.certificatePem, requestCert: true, rejectUnauthorized: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const node = pki.nodes["dev-1"]!.kubeletClient;
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", servername: "kubernetes.default.svc", ca: pki.ca.certificatePem, cert: node.certificatePem, key: node.privateKeyPem });
  try {
    await once(socket, "secureConnect");
    const [peer] = await accepted;
    assert.equal(socket.authorized, true);
    assert.deepEqual({ ...peer.getPeerCertificate().subject }, { O: "system:nodes", CN: "system:node:dev-1" });
    peer.destroy();
  } finally {
    socket.destroy();
    server.close();
  }
});

test("a second call changes nothing; a later one renews what is past two thirds of its life", async () => {
  using place = scratch();
  const first = await ensurePki(place.folder, options);
  assert.equal(first.issued.length, 13);
  const second = await ensurePki(place.folder, options);
  assert.deepEqual(second.issued, []);
  assert.equal(second.admin.certificatePem, first.admin.certificatePem);
  assert.ok(first.renewalDueMs > Date.now() + 240 * dayMs && first.renewalDueMs < Date.now() + 245 * dayMs);

  const later = (days: number): PkiOptions => ({ ...options, clock: { now: () => Date.now() + days * dayMs } });
  const renewed = await ensurePki(place.folder, later(250));
  assert.ok(renewed.issued.includes("admin") && !renewed.issued.includes("ca") && !renewed.issued.includes("sa"));

  const afterYears = await ensurePki(place.folder, later(2_500));
  assert.ok(afterYears.issued.includes("ca"));
  assert.equal(afterYears.ca.privateKeyPem, first.ca.privateKeyPem);
  assert.ok(new X509Certificate(first.admin.certificatePem).verify(new X509Certificate(afterYears.ca.certificatePem).publicKey), "what the authority signed before stays valid");
});

test("new names and damaged files lead to new certificates, a damaged authority to an error", async () => {
  using place = scratch();
  await ensurePki(place.folder, options);
  const wider = { ...options, nodes: [...options.nodes, { name: "dev-2", ips: ["172.30.0.3"] }], apiServerIps: [...options.apiServerIps, "192.0.2.1"] };
  assert.deepEqual((await ensurePki(place.folder, wider)).issued, ["apiserver", "nodes/dev-2/kubelet-client", "nodes/dev-2/kubelet"]);

  writeFileSync(join(place.folder, "admin.key"), "");
  rmSync(join(place.folder, "sa.pub"));
  const publicKey = (await ensurePki(place.folder, wider)).serviceAccount.publicKeyPem;
  assert.equal(readFileSync(join(place.folder, "sa.pub"), "utf8"), publicKey);

  writeFileSync(join(place.folder, "ca.key"), "x");
  await assert.rejects(ensurePki(place.folder, wider), /ca\.crt and .*ca\.key are not a certificate and its key/);
});

test("certificates are renewed while the process runs", async () => {
  using place = scratch();
  let nowMs = Date.now();
  const ending = new AbortController();
  const clock = { now: () => nowMs, sleep: async (durationMs: number) => void (nowMs += durationMs) };
  const current = await ensurePki(place.folder, { ...options, clock });
  const renewed = await new Promise<readonly string[]>((resolve) => {
    void keepPkiCurrent({ ...options, folder: place.folder, current, clock, log: silentLog, signal: ending.signal, onRenewed: ({ issued }) => {
      ending.abort();
      resolve(issued);
    } });
  });
  assert.ok(renewed.includes("apiserver") && !renewed.includes("ca"));
  assert.ok(nowMs >= current.renewalDueMs && nowMs <= current.renewalDueMs + dayMs);
});

test("an authority that somebody else has made signs with its own key and under its own name, byte for byte", async () => {
  for (const [key, ...how] of [["RSA PRIVATE KEY", "genrsa", "-traditional", "-out", "ca.key", "2048"], ["EC PRIVATE KEY", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", "ca.key"]]) {
    using place = scratch();
    const [keyPath, path] = [join(place.folder, "ca.key"), join(place.folder, "ca.crt")];
    execFileSync("openssl", how, { cwd: place.folder, stdio: "ignore" });
    assert.ok(readFileSync(keyPath, "utf8").includes(key ?? ""));
    // OpenSSL writes the name as UTF8String, where we write a PrintableString.
    execFileSync("openssl", ["req", "-x509", "-new", "-key", keyPath, "-days", "3650", "-subj", "/O=somebody/CN=of their own", "-out", path], { stdio: "ignore" });
    const pki = await ensurePki(place.folder, options);
    execFileSync("openssl", ["verify", "-purpose", "sslserver", "-CAfile", path, pki.apiServer.certificatePath], { stdio: "ignore" });
    const name = (which: "-subject" | "-issuer", file: string) => execFileSync("openssl", ["x509", "-noout", which, "-nameopt", "multiline,show_type", "-in", file], { encoding: "utf8" }).split("\n").slice(1).join("\n");
    assert.match(name("-subject", path), /UTF8STRING:of their own/);
    assert.equal(name("-issuer", pki.apiServer.certificatePath), name("-subject", path));
    const renewed = await ensurePki(place.folder, { ...options, clock: { now: () => Date.now() + 2_500 * dayMs } });
    assert.ok(renewed.issued.includes("ca"));
    assert.equal(name("-subject", path), name("-issuer", pki.apiServer.certificatePath));
    assert.ok(new X509Certificate(pki.admin.certificatePem).verify(new X509Certificate(renewed.ca.certificatePem).publicKey));
  }
});
