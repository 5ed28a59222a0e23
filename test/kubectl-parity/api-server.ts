import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "../../src/api/all.ts";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { kubeconfigText } from "../../src/cluster/kubeconfig/kubeconfig.ts";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { bootstrapCluster } from "../../src/kube-apiserver/bootstrap/bootstrap.ts";
import { clusterAccess } from "../../src/kube-apiserver/cluster-access.ts";
import { installedDescriptions } from "../../src/kube-apiserver/openapi/descriptions.ts";
import { startApiServer } from "../../src/kube-apiserver/server.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { silentLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { StepRing } from "../../src/stdx/steps.ts";

export interface TestApiServer extends AsyncDisposable {
  readonly folder: string;
  /** Path of a kubeconfig of a cluster administrator. */
  readonly kubeconfig: string;
  readonly server: string;
}

const stepsMax = 10_000;

/** The whole API server in this process, with TLS, RBAC and admission, over a store in memory; nothing else runs, so pods stay as they are made. */
export async function startTestApiServer(port = 0): Promise<TestApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-kubectl-"));
  const stop = new AbortController();
  const [clock, random, log] = [systemClock, cryptoRandom, silentLog];
  const { signal } = stop;
  const pki = await ensurePki(join(folder, "pki"), { clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: ["127.0.0.1"], nodes: [], clock });
  const access = {
    clock, random, log, signal, clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem, requestHeaderAllowedNames: ["front-proxy-client"],
    serviceAccount: pki.serviceAccount, serviceAccountIssuer: "https://kubernetes.default.svc.cluster.local",
  };
  const server = await startApiServer({
    store: new MemoryStore(), resources, schemas, protobuf: createProtobufCodec(schemas), descriptions: installedDescriptions(), listeners: [{ host: "127.0.0.1", port }],
    tls: { certPem: pki.apiServer.certificatePem, keyPem: pki.apiServer.privateKeyPem, clientCaPem: pki.ca.certificatePem },
    access: (cluster) => clusterAccess(access)(cluster), clock, random, log, steps: new StepRing({ stepsMax }),
  });
  const bound = server.addresses[0]?.port ?? 0;
  await bootstrapCluster({
    transport: server.transport({ name: "system:apiserver", groups: ["system:masters", "system:authenticated"] }), service: { serviceIp: "10.96.0.1", addresses: ["10.0.0.1"], port: bound },
    clientCaPem: access.clientCaPem, requestHeaderCaPem: access.requestHeaderCaPem, requestHeaderAllowedNames: access.requestHeaderAllowedNames, signal,
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText({
    name: "parity", server: `https://127.0.0.1:${bound}`, certificateAuthorityPem: pki.ca.certificatePem, clientCertificatePem: pki.admin.certificatePem, clientKeyPem: pki.admin.privateKeyPem,
  }), { mode: 0o600 });
  return {
    folder, kubeconfig, server: `127.0.0.1:${bound}`,
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("the test is over"));
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
