import type { KubeObject, ResourceType } from "../apimachinery/object.ts";
import { internalStatusError, StatusError } from "../apimachinery/status-error.ts";
import type { AdmissionOperation, AdmissionPlugin, AdmissionRequest, UserInfo } from "./access.ts";
import type { Admission } from "./registry/registry.ts";

export interface AdmissionRunOptions {
  readonly plugins: readonly AdmissionPlugin[];
  readonly type: ResourceType;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly options?: unknown;
  /** Hears which plugins changed the object. */
  readonly onMutated?: (plugin: string) => void;
  readonly onWarning?: (text: string) => void;
}

/** Which plugins look at which requests is said by the plugins' code, and so is asked once for each operation and subresource of a type. */
const known = new WeakMap<readonly AdmissionPlugin[], WeakMap<ResourceType, Map<string, readonly AdmissionPlugin[]>>>();

function concerned(plugins: readonly AdmissionPlugin[], operation: AdmissionOperation, type: ResourceType, subresource: string): readonly AdmissionPlugin[] {
  let byType = known.get(plugins);
  if (!byType) known.set(plugins, (byType = new WeakMap()));
  let ofType = byType.get(type);
  if (!ofType) byType.set(type, (ofType = new Map()));
  // A subresource that is not served comes this far in no request, so there are few.
  const key = subresource === "" ? operation : `${operation} ${subresource}`;
  let found = ofType.get(key);
  if (!found) ofType.set(key, (found = plugins.filter((plugin) => plugin.handles(operation, type, subresource))));
  return found;
}

/** All plugins for one request: first those that change, then those that refuse. */
export function admissionRun({ plugins, type, subresource, namespace, name, user, dryRun, options, onMutated, onWarning }: AdmissionRunOptions): Admission {
  const requestFor = (operation: AdmissionOperation, object: KubeObject | undefined, oldObject: KubeObject | undefined): AdmissionRequest => ({
    operation, type, subresource, namespace, name: name === "" ? (object?.metadata.name ?? oldObject?.metadata.name ?? "") : name, user, dryRun,
    ...(object && { object }), ...(oldObject && { oldObject }), ...(options !== undefined && { options }), ...(onWarning && { warn: onWarning }),
  });
  // Most plugins answer at once; waiting for what is there already would cost a turn of the queue and a few closures for each.
  return {
    async mutate(operation, object, oldObject) {
      let current = object;
      let request: AdmissionRequest | undefined;
      for (const plugin of concerned(plugins, operation, type, subresource)) {
        if (!plugin.mutate) continue;
        request ??= requestFor(operation, current, oldObject);
        let next: KubeObject;
        try {
          const answer = plugin.mutate(request);
          next = answer instanceof Promise ? await answer : answer;
        } catch (error) {
          throw refusalOf(plugin, error);
        }
        if (!next || next === current) continue;
        current = next;
        request = undefined;
        onMutated?.(plugin.name);
      }
      return current;
    },
    async validate(operation, object, oldObject) {
      const request = requestFor(operation, object, oldObject);
      for (const plugin of concerned(plugins, operation, type, subresource)) {
        if (!plugin.validate) continue;
        try {
          const answer = plugin.validate(request);
          if (answer instanceof Promise) await answer;
        } catch (error) {
          throw refusalOf(plugin, error);
        }
      }
    },
  };
}

/** A plugin that fails in a way of its own refuses the request: what nobody checked is not let in. */
const refusalOf = (plugin: AdmissionPlugin, error: unknown): StatusError =>
  (error instanceof StatusError ? error : internalStatusError(`admission plugin ${JSON.stringify(plugin.name)} failed: ${error instanceof Error ? error.message : String(error)}`, error));
