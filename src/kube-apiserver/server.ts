import type { Transport } from "../apimachinery/transport.ts";
import type { SchemaLookup } from "../apimachinery/schema.ts";
import type { ResourceType } from "../apimachinery/object.ts";
import type { Resource } from "../api/resource.ts";
import type { Store } from "../storage/store.ts";
import { withTimeout } from "../stdx/abort.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import { cryptoRandom, type Random } from "../stdx/random.ts";
import type { StepRing } from "../stdx/steps.ts";
import type { AdmissionPlugin, Authenticator, Authorizer, ClusterReader, TokenIssuer, UserInfo, VirtualResource } from "./access.ts";
import type { Api } from "./api.ts";
import { bindings, componentstatuses, services } from "../api/generated/core-v1.ts";
import { ipaddresses, servicecidrs } from "../api/generated/networking-v1.ts";
import { StoredForm } from "./cache/cache-entry.ts";
import { ClusterState } from "./cache/cluster-state.ts";
import { createDiscovery, type DiscoveryGroupVersion } from "./discovery/discovery.ts";
import { createOpenApi, type OpenApi } from "./openapi/openapi.ts";
import type { Descriptions } from "./openapi/definitions.ts";
import { openApiRoutes } from "./handlers/openapi.ts";
import type { Encryption } from "./encryption/encryption.ts";
import { removedRelease } from "./deprecations.ts";
import { healthRoutes, type HealthCheck } from "./handlers/health.ts";
import type { Route } from "./handlers/routes.ts";
import { stepRoutes } from "./handlers/steps.ts";
import { infoRoutes } from "./handlers/server-info.ts";
import { InFlight, type InFlightOptions } from "./requests/in-flight.ts";
import { HttpServer, type HttpLimits, type TlsOptions } from "./requests/http-server.ts";
import { localTransport } from "./requests/local-transport.ts";
import { managedFieldsOf } from "./managed-fields.ts";
import { measuredStore } from "./cache/measured-store.ts";
import { Metrics } from "./metrics.ts";
import type { ProtobufCodec } from "../apimachinery/protobuf/codec.ts";
import { columnHeads } from "./output/column-heads.ts";
import { ListBodies } from "./output/list-bodies.ts";
import { Registry, type RegistryHooks } from "./registry/registry.ts";
import { eventLifeMs as defaultEventLifeMs, runEventExpiry } from "./registry/event-expiry.ts";
import { certificateRequestHooks } from "./registry/certificate-requests.ts";
import { persistentVolumeHooks, resourceSliceHooks } from "./registry/noted-times.ts";
import { namespaceHooks } from "./registry/namespaces.ts";
import type { Conversion, Served } from "./served.ts";
import { prefixInKey, prefixOf } from "./cache/storage-keys.ts";
import { ServiceNetwork } from "./service-network/service-network.ts";
import type { StreamingHandler } from "./streaming/streaming-handler.ts";

export interface ApiServerOptions {
  readonly store: Store;
  /** Empty: the server is reached from inside of the process only. */
  readonly listeners: readonly { readonly host: string; readonly port: number }[];
  readonly tls?: TlsOptions;
  /**
   * Puts into the cluster what must be there before anybody outside asks: a client that came in between would be told that it may not do what its
   * role, which is about to be made, allows.
   */
  readonly beforeListening?: (transport: ApiServer["transport"]) => Promise<void>;
  /** Host and port that clients are told in discovery; the first listener when absent. */
  readonly advertised?: string;
  readonly resources: readonly Resource[];
  readonly schemas: SchemaLookup;
  readonly protobuf?: ProtobufCodec;
  /** What `kubectl explain` says about fields. */
  readonly descriptions?: Descriptions;
  /** Asked for the parts that need to read the cluster; called once, before anything is served. */
  readonly access: (reader: ClusterReader) => {
    readonly authenticator: Authenticator;
    readonly authorizer: Authorizer;
    readonly admission: readonly AdmissionPlugin[];
    readonly virtual: readonly VirtualResource[];
    readonly tokenIssuer?: TokenIssuer;
  };
  /** Answers logs, exec, attach, port-forward and proxies; without it they are refused. */
  readonly streaming?: StreamingHandler | ((reader: ClusterReader) => StreamingHandler);
  /** Addresses of Services: "10.96.0.0/16", or one range of each family: "10.96.0.0/16,fd00:10:96::/112". */
  readonly serviceClusterIpRange?: string;
  readonly nodePortRange?: { readonly first: number; readonly last: number };
  /** More paths that name no resource: OpenAPI, the keys of service accounts, … */
  readonly routes?: Readonly<Record<string, Route>>;
  readonly prefixRoutes?: readonly (readonly [string, Route])[];
  /** How much is worked on at once. */
  readonly inFlight?: InFlightOptions;
  readonly limits?: Partial<HttpLimits>;
  /** How long an event lives after it was last written; upstream's --event-ttl, an hour when absent. */
  readonly eventLifeMs?: number;
  readonly clock: Clock;
  readonly random?: Random;
  readonly log: Log;
  /** How `store`, which it protects already, is encrypted: for health and metrics. */
  readonly encryption?: Pick<Encryption, "healthCheck" | "metrics">;
  /** Where steps are recorded; `/debug/steps` serves them and takes those of agents. */
  readonly steps: StepRing;
}

export interface ApiServer extends AsyncDisposable {
  /** A way in from inside of the process, as this user. */
  transport(user: UserInfo): Transport;
  readonly reader: ClusterReader;
  /** Where it listens; ports that were asked for as 0 are filled in. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Takes a renewed certificate into use without a restart. */
  renewTls(tls: TlsOptions): void;
  /** What `/readyz` says "ok" to. Others add theirs, such as what must be in a new cluster. */
  addReadyCheck(check: HealthCheck): void;
}

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, log, steps, schemas, random = cryptoRandom } = options;
  const startedMs = clock.now();
  const storedTypes = options.resources.map((resource) => storedTypeOf(resource));
  const defaultsOf = new Map(options.resources.filter(({ storedAs }) => !storedAs).map(({ type, defaults }) => [type, defaults]));
  const metrics = new Metrics({
    removedRelease: (group, version, resource) => {
      const type = served.get(`${group}/${version}/${resource}`)?.type;
      return type && removedRelease(type);
    },
  });
  const prefixes = new Map(storedTypes.map((type) => [prefixOf(type), { group: type.group, resource: type.plural }]));
  const store = measuredStore(options.store, { metrics, clock, resourceOf: (key) => prefixes.get(prefixInKey(key, prefixes) ?? "") ?? { group: "", resource: "" } });
  const state = await ClusterState.start({ store, types: storedTypes, log, defaults: (type) => defaultsOf.get(type) });
  const { eventLifeMs = defaultEventLifeMs, serviceClusterIpRange = "10.96.0.0/16", nodePortRange = { first: 30_000, last: 32_767 } } = options;
  const hasServices = [services, ipaddresses, servicecidrs].every((type) => state.cache(type));
  const self = (): Transport => localTransport(api, loopbackUser);
  const serviceNetwork = hasServices ? new ServiceNetwork({ clusterIpRange: serviceClusterIpRange, nodePortRange, state, store, transport: self, clock, random, log }) : undefined;
  const hooks: Readonly<Record<string, RegistryHooks>> = {
    "/namespaces": namespaceHooks,
    "certificates.k8s.io/certificatesigningrequests": certificateRequestHooks(clock),
    "/persistentvolumes": persistentVolumeHooks(clock),
    "resource.k8s.io/resourceslices": resourceSliceHooks(clock),
    ...(serviceNetwork && { "/services": serviceNetwork.hooks }),
  };
  const { authenticator, authorizer, admission, virtual, tokenIssuer } = options.access(state);

  const byStoredType = new Map(options.resources.filter(({ storedAs }) => !storedAs).map((resource) => [`${resource.type.group}/${resource.type.plural}`, resource]));
  const registries = new Map<string, Registry>();
  const registryFor = (resource: Resource): Registry => {
    const type = storedTypeOf(resource);
    const key = `${type.group}/${type.plural}`;
    const present = registries.get(key);
    if (present) return present;
    const cache = state.cache(type);
    if (!cache) throw new Error(`no cache for ${key}`);
    const own = hooks[key];
    const registry = new Registry({ state, cache, resource: byStoredType.get(key) ?? resource, clock, random, ...(own && { hooks: own }), ...(key === "/events" && store.expires && { lifeMs: eventLifeMs }) });
    registries.set(key, registry);
    return registry;
  };
  const served = new Map<string, Served>(options.resources.map((resource) => {
    const { type, storedAs } = resource;
    const conversion: Conversion | undefined = storedAs;
    return [`${type.group}/${type.version}/${type.plural}`, { type, resource, registry: registryFor(resource), form: conversion ? new StoredForm(type) : state.cache(type)?.form ?? new StoredForm(type), conversion }];
  }));
  const virtuals = new Map(virtual.map((each) => [`${each.type.group}/${each.type.version}/${each.type.plural}`, each]));
  const groups = new Set(["", ...[...served.values(), ...virtual].map(({ type }) => type.group)]);

  const api: Api = {
    state, clock, random, log, steps, schemas, protobuf: options.protobuf, authenticator, authorizer, admission, tokenIssuer, metrics, inFlight: new InFlight(options.inFlight), listBodies: new ListBodies({ bytesMax: listBodiesBytesMax }),
    managedFields: managedFieldsOf(schemas, (group, version, plural) => served.get(`${group}/${version}/${plural}`)), columnHeads: columnHeads({ schemas, ...(options.descriptions && { descriptions: options.descriptions }) }),
    served: (group, version, plural) => served.get(`${group}/${version}/${plural}`),
    virtual: (group, version, plural) => virtuals.get(`${group}/${version}/${plural}`),
    hasGroup: (group) => groups.has(group),
  };

  const health = healthRoutes();
  const soon = (work: (signal: AbortSignal) => Promise<void>) => withTimeout(work, { clock, timeoutMs: readinessMsMax, message: `no answer within ${readinessMsMax} ms` });
  health.add({ name: "ping", check: () => undefined });
  health.add({ name: "etcd", check: async () => void (await store.get("/registry/health")) });
  health.add({ name: "etcd-readiness", only: "readyz", check: () => soon(async (signal) => void (await store.get("/registry/health", { signal }))) });
  health.add({ name: "informer-sync", only: "readyz", check: () => soon(async () => await state.fresh()) });
  if (options.encryption?.healthCheck) health.add(options.encryption.healthCheck);
  const discovered = groupVersionsOf([...[...served.values()].map(({ type }) => type), ...virtual.map(({ type }) => type), ...(served.has("/v1/pods") ? [bindings, componentstatuses] : [])]);
  let listening: HttpServer | undefined;
  const advertised = () => options.advertised ?? (listening?.addresses[0] ? `${listening.addresses[0].host}:${listening.addresses[0].port}` : "localhost");
  let documents: ReturnType<typeof createDiscovery> | undefined;
  let openApi: OpenApi | undefined;
  const openApiPaths = openApiRoutes(() => (openApi ??= createOpenApi(discovered, { ...(options.descriptions && { descriptions: options.descriptions }) })));
  try {
    await serviceNetwork?.start();
    await options.beforeListening?.((user) => localTransport(api, user));
  } catch (error) {
    await serviceNetwork?.[Symbol.asyncDispose]();
    await state[Symbol.asyncDispose]();
    throw error;
  }
  if (options.listeners.length > 0) {
    if (!options.tls) throw new Error("a server that listens needs a certificate");
    const own = { ...stepRoutes(steps), ...openApiPaths.exact, ...health.exact, ...options.routes };
    const routes = {
      streaming: typeof options.streaming === "function" ? options.streaming(state) : options.streaming,
      discovery: () => (documents ??= createDiscovery(discovered, { serverAddress: advertised() })),
      exact: { ...infoRoutes({ metrics, state, groupVersions: discovered, startedMs, paths: () => [...Object.keys(own), ...health.paths()], ...(options.encryption && { more: options.encryption.metrics }) }), ...own },
      prefixes: [...openApiPaths.prefixes, ...health.prefixes, ...(options.prefixRoutes ?? [])],
    };
    try {
      listening = await HttpServer.listen({ api, routes, tls: options.tls, listeners: options.listeners, ...(options.limits && { limits: options.limits }) });
    } catch (error) {
      await serviceNetwork?.[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
      throw error;
    }
  }
  serviceNetwork?.run();
  const background = new AbortController();
  const events = registries.get("/events");
  const sweeping = events ? runEventExpiry({ registry: events, turns: state.turns, lifeMs: eventLifeMs, storeExpires: store.expires ?? false, clock, log, signal: background.signal }) : undefined;
  const readingAgain = options.encryption ? readAgainAndAgain(state, { clock, log, signal: background.signal }) : undefined;
  return {
    transport: (user) => localTransport(api, user),
    reader: state,
    addresses: listening?.addresses ?? [],
    renewTls: (tls) => listening?.renewTls(tls),
    addReadyCheck: (check) => health.add(check),
    async [Symbol.asyncDispose]() {
      health.stop();
      background.abort();
      await sweeping;
      await readingAgain;
      await listening?.[Symbol.asyncDispose]();
      await serviceNetwork?.[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
    },
  };
}

/** Whoever is not done in this time is not ready; upstream's figure for its store. */
const readinessMsMax = 2_000;

/** For the bodies of large lists that may be asked for again. */
const listBodiesBytesMax = 24 * 1024 * 1024;

/** Who the server is when it writes for itself; upstream's loopback client. */
const loopbackUser: UserInfo = { name: "system:apiserver", groups: ["system:masters"] };

/** How often it is tried again to read what could not be read: the key service may be back, or a key. Whoever asks for it tries as well. */
const readAgainEveryMs = 10_000;

async function readAgainAndAgain(state: ClusterState, { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal }): Promise<void> {
  for (let told = false; ; ) {
    if (state.incomplete && !told) log.error("something is stored that cannot be decrypted; requests for it fail", { keys: state.unreadableKeys(keysToldMax) });
    told = state.incomplete;
    try {
      await clock.sleep(readAgainEveryMs, { signal });
    } catch {
      return;
    }
    if (state.incomplete) await state.readAll();
  }
}

/** So many of the keys that cannot be read are named in the log. */
const keysToldMax = 10;

const storedTypeOf = ({ type, storedAs }: Resource): ResourceType => storedAs?.type ?? type;

const groupVersionsOf = (types: readonly ResourceType[]): readonly DiscoveryGroupVersion[] =>
  [...Map.groupBy(types, ({ group, version }) => `${group}/${version}`).values()].flatMap((resources) => {
    const [first] = resources;
    return first ? [{ group: first.group, version: first.version, resources }] : [];
  });
