import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "../../src/api/all.ts";
import type { Resource } from "../../src/api/resource.ts";
import { schemas } from "../../src/api/schemas.ts";
import { createProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { isAlreadyExists } from "../../src/apimachinery/status-error.ts";
import type { Transport } from "../../src/apimachinery/transport.ts";
import { HttpTransport } from "../../src/client/http-transport.ts";
import { ensurePki, type Pki } from "../../src/cluster/pki/pki.ts";
import { bootstrapCluster } from "../../src/kube-apiserver/bootstrap/bootstrap.ts";
import { bootstrapChecks } from "../../src/kube-apiserver/bootstrap/checks.ts";
import { clusterAccess, openIdRoutes } from "../../src/kube-apiserver/cluster-access.ts";
import type { Encryption } from "../../src/kube-apiserver/encryption/encryption.ts";
import { installedDescriptions } from "../../src/kube-apiserver/openapi/descriptions.ts";
import { startApiServer, type ApiServer, type ApiServerOptions } from "../../src/kube-apiserver/server.ts";
import { MemoryStore } from "../../src/storage/memory/memory-store.ts";
import type { Store } from "../../src/storage/store.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { jsonLog } from "../../src/stdx/log.ts";
import { seededRandom } from "../../src/stdx/random.ts";
import { StepRing } from "../../src/stdx/steps.ts";

export const admin = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };

export interface TestServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly store: Store;
  readonly steps: StepRing;
  /** Errors that the server logged: bugs of its own. */
  readonly complaints: string[];
  readonly http: HttpTransport;
  readonly local: Transport;
  readonly url: string;
  readonly ca: string;
  readonly pki: Pki;
}

export interface TestServerOptions extends Partial<Pick<ApiServerOptions, "eventLifeMs" | "inFlight" | "limits">> {
  readonly store?: Store;
  readonly served?: readonly Resource[];
  /** Of a server of the same cluster. */
  readonly pki?: Pki;
  /** Protects what is stored; whoever opened it disposes of it. */
  readonly encryption?: Encryption;
}

/** A whole API server as a cluster runs it, on a port of its own, with a store in memory. */
export async function startTestServer({ store = new MemoryStore(), served = resources, pki: shared, encryption, ...more }: TestServerOptions = {}): Promise<TestServer> {
  const folder = await mkdtemp(join(tmpdir(), "keelson-test-"));
  const pki = shared ?? await ensurePki(folder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
  const complaints: string[] = [];
  const log = jsonLog({ level: "error", now: Date.now, write: (line) => void complaints.push(line) });
  const random = seededRandom(7);
  const stop = new AbortController();
  const steps = new StepRing({ stepsMax: 10_000 });
  const access = {
    clock: systemClock, random, log, signal: stop.signal, clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem,
    requestHeaderAllowedNames: ["front-proxy-client"], serviceAccount: pki.serviceAccount, serviceAccountIssuer: "https://kubernetes.default.svc.cluster.local",
  };
  const server = await startApiServer({
    store: encryption?.protect(store) ?? store, ...(encryption && { encryption }), ...more, listeners: [{ host: "127.0.0.1", port: 0 }], resources: served, schemas, protobuf: createProtobufCodec(schemas), descriptions: installedDescriptions(), clock: systemClock, random, log, steps,
    tls: { certPem: pki.apiServer.certificatePem, keyPem: pki.apiServer.privateKeyPem, clientCaPem: pki.ca.certificatePem },
    access: clusterAccess(access), routes: openIdRoutes(access, { jwksUri: "https://127.0.0.1/openid/v1/jwks" }),
  });
  const local = server.transport(admin);
  await bootstrapCluster({
    transport: local, service: { serviceIp: "10.96.0.1", addresses: ["192.0.2.1"], port: 6443 }, clientCaPem: pki.ca.certificatePem,
    requestHeaderCaPem: pki.frontProxyCa.certificatePem, requestHeaderAllowedNames: ["front-proxy-client"], signal: stop.signal,
  });
  for (const check of bootstrapChecks(server.reader)) server.addReadyCheck(check);
  const url = `https://127.0.0.1:${server.addresses[0]?.port ?? 0}`;
  const http = new HttpTransport({
    clock: systemClock, connection: { server: url, certificateAuthority: pki.ca.certificatePem, clientCertificate: pki.admin.certificatePem, clientKey: pki.admin.privateKeyPem },
  });
  try {
    await local.request({ verb: "create", group: "", version: "v1", resource: "serviceaccounts", namespace: "default", body: { metadata: { name: "default" } } });
  } catch (error) {
    // It is there already in a store that was used before.
    if (!isAlreadyExists(error)) throw error;
  }
  return {
    server, store, steps, complaints, http, local, url, ca: pki.ca.certificatePem, pki,
    async [Symbol.asyncDispose]() {
      stop.abort();
      http[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
