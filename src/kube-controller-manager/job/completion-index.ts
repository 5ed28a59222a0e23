import type { Job } from "../../api/generated/batch-v1.ts";
import type { Pod } from "../../api/generated/core-v1.ts";

export const indexAnnotation = "batch.kubernetes.io/job-completion-index";

export const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === "Indexed";
/** -1 for a pod without an index. */
export const indexOf = ({ metadata }: Pod): number => Number.parseInt(metadata.annotations?.[indexAnnotation] ?? "-1", 10);
