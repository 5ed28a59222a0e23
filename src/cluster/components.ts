import type { UserInfo } from "../kube-apiserver/access.ts";

const mastersGroup = "system:masters";

/** Components of the server's process come in as themselves; that they may do everything here costs nothing, since they share the process. */
export const component = (name: string): UserInfo => ({ name, groups: [mastersGroup, "system:authenticated"] });

/** Controllers write as upstream's do: each as a service account of its own, within its role. */
export const controllerAccount = (name: string): UserInfo => ({
  name: `system:serviceaccount:kube-system:${name}`, groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
});

/** Components that `keelson server` runs beside the API server, and may leave to programs of their own. */
export const controlLoops = ["kube-controller-manager", "kube-scheduler"] as const;
export type ControlLoop = (typeof controlLoops)[number];
