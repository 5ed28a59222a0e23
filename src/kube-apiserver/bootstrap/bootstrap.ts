import { configmaps, endpoints, namespaces, services } from "../../api/generated/core-v1.ts";
import { endpointslices } from "../../api/generated/discovery-v1.ts";
import { clusterrolebindings, clusterroles, rolebindings, roles, type ClusterRole, type ClusterRoleBinding, type Role, type RoleBinding } from "../../api/generated/rbac-v1.ts";
import { priorityclasses } from "../../api/generated/scheduling-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { isAlreadyExists, isNotFound, isStatusError } from "../../apimachinery/status-error.ts";
import type { ApiRequest, Transport } from "../../apimachinery/transport.ts";
import type { Clock } from "../../stdx/clock.ts";
import { equal } from "../../stdx/equal.ts";
import type { Log } from "../../stdx/log.ts";
import { trustData, type AuthenticationTrust } from "./authentication-trust.ts";
import { defaultRbacObjects, planRbac, type RbacWrite } from "./rbac-plan.ts";
import {
  authenticationConfigMap, kubernetesEndpoints, kubernetesEndpointSlice, kubernetesService, systemNamespaces, systemPriorityClasses, type KubernetesService,
} from "./system-objects.ts";
import type { ServerLeases } from "./server-leases.ts";

export interface BootstrapOptions extends AuthenticationTrust {
  /** The server's own transport, as a member of system:masters. */
  readonly transport: Transport;
  readonly service: KubernetesService;
  /** Where the cluster may have several servers: the endpoints of `kubernetes` are then those that keep a lease. Otherwise they are this server's addresses. */
  readonly serverLeases?: ServerLeases;
  readonly signal: AbortSignal;
}

/** Upstream's server writes under the name of its program. */
const fieldManager = "kube-apiserver";

/** How often a write is tried again after somebody else changed the same object. */
const attemptsMax = 5;

/**
 * Brings a new or old cluster to hold what every cluster has: namespaces, default roles and bindings, priority classes, the `kubernetes` Service and
 * its endpoints, and what extension API servers read. On a new cluster that is about 170 objects, written together; on an old one mostly reads.
 */
export async function bootstrapCluster(options: BootstrapOptions): Promise<void> {
  const ensure = new Ensure(options);
  const namespacesReady = ensureNamespaces(ensure);
  await Promise.all([
    namespacesReady,
    ensure.rbac(namespacesReady),
    ...systemPriorityClasses.map((object) => ensure.exists(priorityclasses, object)),
    namespacesReady.then(() => ensureOwnObjects(ensure, options)),
  ]);
}

const ensureNamespaces = (ensure: Ensure): Promise<unknown> => Promise.all(systemNamespaces.map((object) => ensure.exists(namespaces, object)));

const ensureOwnObjects = (ensure: Ensure, options: BootstrapOptions): Promise<unknown> => Promise.all([
  ensure.exists(services, kubernetesService(options.service)).catch((error: unknown) => {
    // While another server makes it, its address is taken already. It is looked after again and again.
    if (!options.serverLeases || !isStatusError(error, "Invalid")) throw error;
  }),
  // Of several servers each says that it is there when it listens, not before.
  ...(options.serverLeases ? [] : [ensureEndpoints(ensure, options.service)]),
  ensureTrust(ensure, options),
]);

/** `clock` tells which certificates have expired. */
async function ensureTrust(ensure: Ensure, options: BootstrapOptions & { readonly clock?: Pick<Clock, "now"> }): Promise<void> {
  const present = await ensure.present(configmaps, authenticationConfigMap({}));
  await ensure.contains(configmaps, authenticationConfigMap(trustData(present?.data ?? {}, options, options.clock?.now())), "data");
}

const ensureEndpoints = (ensure: Ensure, service: KubernetesService): Promise<unknown> => Promise.all([
  ensure.contains(endpoints, kubernetesEndpoints(service), "subsets"),
  ensure.contains(endpointslices, kubernetesEndpointSlice(service), "endpoints", "ports"),
]);

/** The endpoints are the servers that keep a lease. Their port stays as it is: it is one for all servers, and whoever made the endpoints has set it. */
async function ensureLeasedEndpoints(ensure: Ensure, service: KubernetesService, addresses: readonly string[]): Promise<void> {
  const present = await ensure.present(endpoints, kubernetesEndpoints(service));
  const port = present?.subsets?.length === 1 ? present.subsets[0]?.ports?.[0]?.port : undefined;
  await ensureEndpoints(ensure, { ...service, addresses, port: port ?? service.port });
}

/** How often the server looks after its own objects; upstream's figure. */
const maintenanceMs = 10_000;
/** How long a server that ends waits for its lease to be taken back; it runs out by itself. */
const leaveMsMax = 3_000;

/**
 * Brings back what somebody deletes or bends of the objects that the server itself stands for: system namespaces, the `kubernetes` Service and its
 * endpoints, and the trust of extension servers. Runs until the signal aborts; a round that fails is logged and the next one tries again.
 */
export async function maintainCluster(options: BootstrapOptions & { readonly clock: Clock; readonly log: Log }): Promise<void> {
  const { clock, log, signal, service, serverLeases } = options;
  const ensure = new Ensure(options);
  const isThere = async (): Promise<void> => {
    if (!serverLeases) return;
    for (const address of service.addresses) await serverLeases.renew(address, signal);
    const addresses = await serverLeases.list(signal);
    if (addresses.length === 0) throw new Error("no API server IP addresses were listed in storage, refusing to erase all endpoints for the kubernetes Service");
    await ensureLeasedEndpoints(ensure, service, addresses);
  };
  const trying = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) log.warn("could not look after the server's own objects", { error });
    }
  };
  await trying(isThere);
  while (!signal.aborted) {
    await trying(async () => {
      await clock.sleep(maintenanceMs, { signal });
      await isThere();
      await ensureNamespaces(ensure);
      await ensureOwnObjects(ensure, options);
    });
  }
  if (serverLeases) await leave({ ...options, signal: AbortSignal.timeout(leaveMsMax) }, serverLeases).catch((error: unknown) => log.warn("the lease of this server runs out by itself", { error }));
}

/** Clients are sent to the other servers from now on. */
async function leave(options: BootstrapOptions, serverLeases: ServerLeases): Promise<void> {
  const { service, signal } = options;
  for (const address of service.addresses) await serverLeases.remove(address, signal);
  await ensureLeasedEndpoints(new Ensure(options), service, await serverLeases.list(signal));
}

class Ensure {
  readonly #transport: Transport;
  readonly #signal: AbortSignal;

  constructor({ transport, signal }: BootstrapOptions) {
    this.#transport = transport;
    this.#signal = signal;
  }

  #request(verb: ApiRequest["verb"], type: ResourceType, more: Partial<ApiRequest>): Promise<unknown> {
    return this.#transport.request({ verb, group: type.group, version: type.version, resource: type.plural, signal: this.#signal, ...more });
  }

  #write(verb: "create" | "update", type: ResourceType, object: KubeObject): Promise<unknown> {
    const { namespace, name } = object.metadata;
    return this.#request(verb, type, { ...(namespace !== undefined && { namespace }), ...(verb === "update" && name !== undefined && { name }), query: { fieldManager }, body: object });
  }

  #named(object: KubeObject): Pick<ApiRequest, "namespace" | "name"> {
    const { namespace, name = "" } = object.metadata;
    return { name, ...(namespace !== undefined && { namespace }) };
  }

  /** The object of this name as it is. */
  async present<T extends KubeObject>(type: ResourceType<T>, object: T): Promise<T | undefined> {
    try {
      return await this.#request("get", type, this.#named(object)) as T;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Makes the object when there is none of its name, whatever the present one looks like. True when it was made. */
  async exists(type: ResourceType, object: KubeObject): Promise<boolean> {
    if (await this.present(type, object)) return false;
    try {
      await this.#write("create", type, object);
      return true;
    } catch (error) {
      // Another server of the same cluster was quicker.
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** Like `exists`, and sets these fields (and labels) of the present one when they differ. */
  async contains<T extends KubeObject>(type: ResourceType<T>, object: T, ...fields: readonly (keyof T & string)[]): Promise<void> {
    if (await this.exists(type, object)) return;
    await retried(async () => {
      const present = await this.#request("get", type, this.#named(object)) as T;
      const metadata = object.metadata.labels ? { ...present.metadata, labels: { ...present.metadata.labels, ...object.metadata.labels } } : present.metadata;
      const mended = { ...present, ...Object.fromEntries(fields.map((field) => [field, object[field]])), metadata };
      const differs = fields.some((field) => !equal(present[field], object[field])) || !equal(metadata.labels, present.metadata.labels);
      if (differs) await this.#write("update", type, mended);
    });
  }

  async rbac(namespacesReady: Promise<unknown>): Promise<void> {
    const wanted = defaultRbacObjects();
    await retried(async () => {
      const [presentClusterRoles, presentClusterRoleBindings, presentRoles, presentRoleBindings] = await Promise.all([
        this.#list<ClusterRole>(clusterroles), this.#list<ClusterRoleBinding>(clusterrolebindings), this.#list<Role>(roles), this.#list<RoleBinding>(rolebindings),
      ]);
      const writes = planRbac(wanted, { clusterRoles: presentClusterRoles, clusterRoleBindings: presentClusterRoleBindings, roles: presentRoles, roleBindings: presentRoleBindings });
      await Promise.all(writes.map(async (write) => {
        if (write.object.metadata.namespace !== undefined) await namespacesReady;
        await this.#apply(write);
      }));
    });
  }

  async #apply({ verb, object }: RbacWrite): Promise<void> {
    const type = [clusterroles, clusterrolebindings, roles, rolebindings].find(({ kind }) => kind === object.kind);
    if (!type) throw new Error(`${object.kind} is not a kind of RBAC`);
    if (verb === "replace") await this.#request("delete", type, this.#named(object));
    try {
      await this.#write(verb === "update" ? "update" : "create", type, object);
    } catch (error) {
      if (verb === "update" || !isAlreadyExists(error)) throw error;
    }
  }

  /** Kinds and versions of the items are filled in: lists may leave them out. */
  async #list<T extends KubeObject>(type: ResourceType<T>): Promise<readonly T[]> {
    const { items } = await this.#request("list", type, {}) as { readonly items: readonly T[] };
    return items.map((item) => ({ ...item, apiVersion: `${type.group}/${type.version}`, kind: type.kind }));
  }
}

async function retried(attempt: () => Promise<void>): Promise<void> {
  for (let left = attemptsMax; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left <= 1 || !isStatusError(error, "Conflict", "NotFound")) throw error;
    }
  }
}
