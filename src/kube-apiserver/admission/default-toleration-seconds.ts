import { pods, type Pod, type Toleration } from "../../api/generated/core-v1.ts";
import type { AdmissionPlugin } from "../access.ts";
import { handlesOnly } from "./plugin.ts";

const tolerationSeconds = 300;
const defaults: readonly Toleration[] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }));

const tolerates = (key: string | undefined) => (toleration: Toleration): boolean =>
  ["", key].includes(toleration.key ?? "") && ["", "NoExecute"].includes(toleration.effect ?? "");

/** Pods stay on a node that does not answer for five minutes, unless they say how long themselves. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  handles: handlesOnly(pods, "CREATE", "UPDATE"),
  mutate({ object }) {
    const pod = object as Pod;
    const tolerations = pod.spec?.tolerations ?? [];
    const missing = defaults.filter(({ key }) => !tolerations.some(tolerates(key)));
    return missing.length === 0 || !pod.spec ? pod : { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...missing] } };
  },
};
