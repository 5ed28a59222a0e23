import { nodes, type Node } from "../../api/generated/core-v1.ts";
import type { AdmissionPlugin } from "../access.ts";
import { handlesOnly } from "./plugin.ts";

const taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

/** A new node takes no pods until the node lifecycle controller has seen that it is ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  handles: handlesOnly(nodes, "CREATE"),
  mutate({ object }) {
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    return taints.some(({ key, effect }) => key === taint.key && effect === taint.effect) ? node : { ...node, spec: { ...node.spec, taints: [...taints, taint] } };
  },
};
