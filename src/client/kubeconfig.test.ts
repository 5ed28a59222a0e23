import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connectionOf, loadKubeconfig } from "./kubeconfig.ts";

test("several files are one configuration; paths are relative to their file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "client-kubeconfig-"));
  try {
    await writeFile(join(folder, "ca.crt"), "CA");
    await writeFile(join(folder, "a"), `
current-context: one
clusters: [{name: c, cluster: {server: "https://a:1/", certificate-authority: ca.crt, tls-server-name: kube}}]
contexts: [{name: one, context: {cluster: c, user: u, namespace: team}}]
`);
    await writeFile(join(folder, "b"), `
current-context: two
clusters: [{name: c, cluster: {server: "https://ignored"}}]
users: [{name: u, user: {client-certificate-data: ${btoa("CERT")}, client-key-data: ${btoa("KEY")}}}, {name: plugin, user: {exec: {command: echo, args: ['{"status":{"token":"t"}}']}}}]
`);
    const config = await loadKubeconfig([join(folder, "a"), join(folder, "b"), join(folder, "missing")]);
    assert.deepEqual(await connectionOf(config), { server: "https://a:1", certificateAuthority: "CA", tlsServerName: "kube", namespace: "team", clientCertificate: "CERT", clientKey: "KEY" });
    assert.equal((await connectionOf(config, { user: "plugin" })).token, "t");
    await assert.rejects(connectionOf(config, { context: "none" }), /context "none" does not exist/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
