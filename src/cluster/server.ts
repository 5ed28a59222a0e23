import { schemas } from "../api/schemas.ts";
import { resources } from "../api/all.ts";
import { protobufCodec } from "../api/protobuf.ts";
import type { Resource } from "../api/resource.ts";
import { TypedClient } from "../client/typed-client.ts";
import type { ClusterReader } from "../kube-apiserver/access.ts";
import { ensureDnsService } from "./dns-service.ts";
import { bootstrapCluster, maintainCluster } from "../kube-apiserver/bootstrap/bootstrap.ts";
import { maintainFlowControl } from "../kube-apiserver/bootstrap/flow-control.ts";
import { keepIdentityLease } from "../kube-apiserver/bootstrap/identity-lease.ts";
import { Encryption } from "../kube-apiserver/encryption/encryption.ts";
import { ServerLeases } from "../kube-apiserver/bootstrap/server-leases.ts";
import { bootstrapChecks } from "../kube-apiserver/bootstrap/checks.ts";
import { clusterAccess, openIdRoutes } from "../kube-apiserver/cluster-access.ts";
import { installedDescriptions } from "../kube-apiserver/openapi/descriptions.ts";
import { startApiServer, type ApiServerOptions } from "../kube-apiserver/server.ts";
import { lazyStreamingHandler } from "../kube-apiserver/streaming/lazy.ts";
import { storageRoot } from "../kube-apiserver/cache/storage-keys.ts";
import type { EncryptingStore } from "../storage/encryption/encrypting-store.ts";
import { unfinishedCopy } from "../storage/snapshot/unfinished.ts";
import type { Store } from "../storage/store.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import { randomUuid, type Random } from "../stdx/random.ts";
import { StepRing } from "../stdx/steps.ts";
import { pkiSubjects } from "./pki/cluster-subjects.ts";
import { component, type ControlLoop } from "./components.ts";
import { writeCredentials } from "./credentials.ts";
import { ensurePki, type Pki } from "./pki/pki.ts";
import { keepPkiCurrent } from "./pki/renewal.ts";
import { serveState, stateSocketOf } from "./snapshots/state-socket.ts";
import type { ClusterPaths, ClusterSpec } from "./spec.ts";

export interface ServerOptions {
  readonly spec: ClusterSpec;
  readonly paths: ClusterPaths;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Opened already while this module was loaded; disposed of by whoever opened it. */
  readonly store: Promise<Store>;
  /** How much is worked on at once, and how long requests and connections may take; upstream's figures when left out. */
  readonly inFlight?: ApiServerOptions["inFlight"];
  readonly limits?: ApiServerOptions["limits"];
  readonly nodePortRange?: ApiServerOptions["nodePortRange"];
  /** Which versions of the API to serve, in the words of upstream's flag; "" for those that are on by default. */
  readonly runtimeConfig?: string;
  /** What is encrypted at rest; nothing when absent. */
  readonly encryption?: EncryptionSettings;
  /** Components that run somewhere else. */
  readonly without?: ReadonlySet<ControlLoop>;
}

export interface EncryptionSettings {
  /** An EncryptionConfiguration. */
  readonly file: string;
  /** It is read again when it changes. */
  readonly reload: boolean;
  /** What would be stored in another form today is written again at start. Not where other servers, which may not know every key yet, read it too. */
  readonly rewriteStale: boolean;
}

const stepsMax = 100_000;
/** Time for those who waited for the server to be told that it is there. */
const firstAnswersMs = 25;
/** A front proxy's certificate has to pass the handshake as well, before the chain looks at who signed it. */
const tlsOf = ({ apiServer, ca, frontProxyCa }: Pki) => ({ certPem: apiServer.certificatePem, keyPem: apiServer.privateKeyPem, clientCaPem: `${ca.certificatePem}\n${frontProxyCa.certificatePem}` });

/** Versions that are off by default are not even loaded where nobody asks for them. */
async function resourcesToServe(runtimeConfig: string): Promise<readonly Resource[]> {
  if (runtimeConfig === "") return resources;
  const [{ resourcesOn }, { otherVersions }] = await Promise.all([import("../kube-apiserver/runtime-config.ts"), import("../api/other-versions.ts")]);
  return resourcesOn(runtimeConfig, [...resources, ...otherVersions]);
}

/** API server, controllers and scheduler in one process, until `signal` aborts. Rejects when one of them fails for good. */
export async function runServer({ spec, paths, clock, random, log, signal, store: opening, inFlight, limits, nodePortRange, encryption: settings, runtimeConfig = "", without }: ServerOptions): Promise<void> {
  const steps = new StepRing({ stepsMax });
  const types = resources.filter(({ storedAs }) => !storedAs).map(({ type }) => type);
  const identity = `${spec.name}_${randomUuid(random)}`;
  const [pki, opened, encryption] = await Promise.all([
    ensurePki(paths.pki, pkiSubjects(spec, clock)), opening, settings && Encryption.open({ file: settings.file, reload: settings.reload, types, serverId: identity, clock, random, log }),
  ]);
  using _encryption = encryption;
  await refuseUnfinishedCopy(opened);
  const encrypted = encryption?.protect(opened);
  const store = encrypted ?? opened;
  const requestHeaderAllowedNames = ["front-proxy-client"];
  const access = {
    clock, random, log, signal, clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem, requestHeaderAllowedNames,
    serviceAccount: pki.serviceAccount, serviceAccountIssuer: `https://kubernetes.default.svc.${spec.clusterDomain}`,
  };

  let reader: ClusterReader | undefined;
  const read = (): ClusterReader => {
    if (!reader) throw new Error("the cluster is read before the server has started");
    return reader;
  };
  const kubeletTls = { certificate: pki.apiServerKubeletClient.certificatePem, key: pki.apiServerKubeletClient.privateKeyPem, ca: pki.ca.certificatePem };
  const service = { serviceIp: spec.serviceCidr.replace(/0\/\d+$/, "1"), addresses: [spec.gateway], port: spec.apiPort };
  // Whose store others can write to as well is one of several servers, or may become one.
  const bootstrap = { service, ...(store.expires && { serverLeases: new ServerLeases(store) }), clientCaPem: access.clientCaPem, requestHeaderCaPem: access.requestHeaderCaPem, requestHeaderAllowedNames, signal };
  await using server = await startApiServer({
    store, ...(encryption && { encryption }), resources: await resourcesToServe(runtimeConfig), schemas, protobuf: protobufCodec, descriptions: installedDescriptions(),
    listeners: [{ host: "127.0.0.1", port: spec.apiPort }, { host: spec.gateway, port: spec.apiPort }],
    advertised: `${spec.gateway}:${spec.apiPort}`,
    tls: tlsOf(pki), serviceClusterIpRange: spec.serviceCidr,
    beforeListening: async (transportOf) => {
      const transport = transportOf(component("system:apiserver"));
      await bootstrapCluster({ ...bootstrap, transport });
      await ensureDnsService(new TypedClient(transport), spec.clusterDns, { clock, signal });
    },
    access: (cluster) => {
      reader = cluster;
      return clusterAccess(access)(cluster);
    },
    streaming: lazyStreamingHandler({ reader: { get: (...args) => read().get(...args), list: (...args) => read().list(...args) }, kubelet: kubeletTls, random: () => random.next() }),
    routes: openIdRoutes(access, { jwksUri: `https://${spec.gateway}:${spec.apiPort}/openid/v1/jwks` }),
    clock, random, log, steps, ...(inFlight && { inFlight }), ...(limits && { limits }), ...(nodePortRange && { nodePortRange }),
  });

  for (const check of bootstrapChecks(server.reader)) server.addReadyCheck(check);
  // As it is stored: what is encrypted stays so.
  await using _state = await serveState({ store: opened, path: stateSocketOf(paths), log });
  log.info("the API server is ready", { addresses: server.addresses });

  // Whoever waits for the server hears first that it is ready: loading the controllers' hundred modules holds the thread.
  await clock.sleep(firstAnswersMs, { signal });
  const { runControlLoops } = await import("./control-loops.ts");
  await Promise.all([
    encryption?.run(signal),
    settings?.rewriteStale === true && encryption && encrypted && rewriteStale(encryption, encrypted, { log, signal }),
    maintainCluster({ ...bootstrap, transport: server.transport(component("system:apiserver")), clock, log }),
    maintainFlowControl({ transport: server.transport(component("system:apiserver")), clock, log, signal }),
    keepIdentityLease({ transport: server.transport(component("system:apiserver")), clock, random, log, signal }),
    keepPkiCurrent({ ...pkiSubjects(spec, clock), folder: paths.pki, current: pki, log, signal, onRenewed: (renewed) => {
      server.renewTls(tlsOf(renewed));
      writeCredentials(spec, paths, renewed);
    } }),
    runControlLoops({ transport: (user) => server.transport(user), spec, rootCa: pki.ca.certificatePem, shared: store.latest !== undefined, identity, steps, clock, random, log, signal, ...(without && { without }) }),
  ]);
}

/** A cluster from before it was encrypted, or a rotation of keys that was interrupted. What fails is tried at the next start. */
async function rewriteStale(encryption: Encryption, store: EncryptingStore, { log, signal }: { readonly log: Log; readonly signal: AbortSignal }): Promise<void> {
  try {
    const count = await encryption.rewriteStale(store, { signal });
    if (count > 0) log.info("what was stored is encrypted with the present key now", { count });
  } catch (error) {
    if (!signal.aborted) log.warn("not everything that is stored could be encrypted with the present key", { error });
  }
}

/** What `keelson store copy` has begun is a part of a state: a cluster on it would take what is missing for deleted. */
async function refuseUnfinishedCopy(store: Store): Promise<void> {
  const unfinished = await unfinishedCopy(store, storageRoot);
  if (unfinished !== undefined) throw new Error(`the store holds a part of a state only (${unfinished})`);
}
