import type { KubeObject } from "../../apimachinery/object.ts";
import type { PodTemplateSpec } from "../generated/core-v1.ts";
import type { LabelSelector } from "../generated/meta-v1.ts";
import { ageColumn, integer, nameColumn, wide } from "../printing/columns.ts";
import { containerImages, containerNames, formatLabelSelector } from "../printing/formats.ts";
import type { Column } from "../resource.ts";

export interface Workload extends KubeObject {
  readonly spec?: { readonly template?: PodTemplateSpec; readonly selector?: LabelSelector; readonly replicas?: number };
}
interface Replicated extends Workload { readonly status?: { readonly replicas?: number; readonly readyReplicas?: number } }

/** What runs in the pods of a workload, with `-o wide`. */
export const containersColumn: Column<Workload> = wide("Containers", ({ spec }) => containerNames(spec?.template));
export const imagesColumn: Column<Workload> = wide("Images", ({ spec }) => containerImages(spec?.template));
export const selectorColumn: Column<Workload> = wide("Selector", ({ spec }) => formatLabelSelector(spec?.selector));

export const replicatedColumns: readonly Column<Replicated>[] = [
  nameColumn,
  integer("Desired", ({ spec }) => spec?.replicas ?? 0),
  integer("Current", ({ status }) => status?.replicas ?? 0),
  integer("Ready", ({ status }) => status?.readyReplicas ?? 0),
  ageColumn, containersColumn, imagesColumn, selectorColumn,
];
