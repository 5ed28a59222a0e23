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

/** All plugins for one request: first those that change, then those that refuse. */
export function admissionRun({ plugins, type, subresource, namespace, name, user, dryRun, options, onMutated, onWarning }: AdmissionRunOptions): Admission {
  const requestFor = (operation: AdmissionOperation, object: KubeObject | undefined, oldObject: KubeObject | undefined): AdmissionRequest => ({
    operation, type, subresource, namespace, name: name === "" ? (object?.metadata.name ?? oldObject?.metadata.name ?? "") : name, user, dryRun,
    ...(object && { object }), ...(oldObject && { oldObject }), ...(options !== undefined && { options }), ...(onWarning && { warn: onWarning }),
  });
  return {
    async mutate(operation, object, oldObject) {
      let current = object;
      for (const plugin of plugins) {
        if (!plugin.mutate || !plugin.handles(operation, type, subresource)) continue;
        const next = await guarded(plugin, async () => await plugin.mutate?.(requestFor(operation, current, oldObject)));
        if (next && next !== current) {
          current = next;
          onMutated?.(plugin.name);
        }
      }
      return current;
    },
    async validate(operation, object, oldObject) {
      for (const plugin of plugins) {
        if (!plugin.validate || !plugin.handles(operation, type, subresource)) continue;
        await guarded(plugin, async () => await plugin.validate?.(requestFor(operation, object, oldObject)));
      }
    },
  };
}

/** A plugin that fails in a way of its own refuses the request: what nobody checked is not let in. */
async function guarded<T>(plugin: AdmissionPlugin, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw internalStatusError(`admission plugin ${JSON.stringify(plugin.name)} failed: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
