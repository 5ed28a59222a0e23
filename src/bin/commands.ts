/** Runs to its end and returns the exit code. */
export type Command = (args: readonly string[], signal: AbortSignal) => Promise<number>;

interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

export const commands: Readonly<Record<string, Entry>> = {
  demo: { summary: "a cluster, a pod, and everything that happens on the way to its container, live: demo [NAME]", load: async () => (await import("./cluster-commands.ts")).demo },
  up: { summary: "make a cluster, or start one again: up [NAME] [--nodes K]", load: async () => (await import("./cluster-commands.ts")).up },
  down: { summary: "remove a cluster and everything that it made: down [NAME] [--all]", load: async () => (await import("./cluster-commands.ts")).down },
  status: { summary: "what runs, since when, with how much memory: status [NAME] [-o json]", load: async () => (await import("./cluster-commands.ts")).status },
  encryption: { summary: "give a cluster a new key for what it encrypts: encryption rotate [NAME]", load: async () => (await import("./cluster-commands.ts")).encryption },
  kubeconfig: { summary: "print the kubeconfig of a cluster: kubeconfig [NAME]", load: async () => (await import("./cluster-commands.ts")).kubeconfig },
  trace: { summary: "the timeline of an object: trace pod/NAME [-n NAMESPACE] [--cluster NAME]", load: async () => (await import("./cluster-commands.ts")).trace },
  snapshot: { summary: "keep the state of a cluster, and put it back: snapshot save|list|restore|delete [CLUSTER] [NAME]", load: async () => (await import("./state-commands.ts")).snapshot },
  fork: { summary: "a second cluster that begins with the state of another: fork CLUSTER NEW [--snapshot NAME]", load: async () => (await import("./state-commands.ts")).fork },
  store: { summary: "copy a cluster's state into another store: store copy --from sqlite:FILE --to etcd=https://…", load: async () => (await import("./state-commands.ts")).store },
  kubectl: { summary: "our own kubectl", load: async () => (await import("./kubectl.ts")).kubectl },
  server: { summary: "API server, controllers and scheduler in one process", load: async () => (await import("./server.ts")).server },
  agent: { summary: "kubelet, kube-proxy and cluster DNS of one node", load: async () => (await import("./agent.ts")).agent },
  version: { summary: "versions of Keelson, of the Kubernetes API it serves, and of Node", load: async () => (await import("./version.ts")).version },
};
