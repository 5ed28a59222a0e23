import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { noKubectl, startControlPlane, type ControlPlane, type KubectlOptions } from "./control-plane.ts";

export interface StepOptions extends KubectlOptions {
  /** The exit code; 0 when not said. */
  readonly code?: number;
}
/** A command line (words in single quotes are one), what it prints on both channels (a text: exactly that, but for spaces at the ends), and how it ends. */
export type Step = readonly [command: string, prints: string | RegExp | readonly RegExp[], options?: StepOptions];

const words = (line: string): readonly string[] => Array.from(line.matchAll(/(?:'[^']*'|[^\s'])+/g), ([word]) => word.replaceAll("'", ""));

async function run(plane: ControlPlane, namespace: string, steps: readonly Step[]): Promise<void> {
  for (const [command, prints, { code = 0, ...options } = {}] of steps) {
    const args = words(command);
    const scoped = args.includes("-A") || args.includes("-n") || args[0] === "config" ? args : [`--namespace=${namespace}`, ...args];
    const ran = await plane.kubectl(scoped, options);
    // What the client's own log says of a slow machine is not its answer.
    const text = `${ran.out}${ran.err.replaceAll(/^[IWE]\d{4} \d\d:.*\n/gm, "")}`;
    const told = `kubectl ${command}\n${text}`;
    for (const each of typeof prints === "string" || prints instanceof RegExp ? [prints] : prints) {
      if (typeof each === "string") assert.equal(text.trim(), each, told);
      else assert.match(text, each, told);
    }
    assert.equal(ran.code, code, told);
  }
}

export interface Stories {
  /** While the stories are told. */
  plane(): ControlPlane;
  /** One story: its steps follow each other in a namespace of their own. */
  story(name: string, steps: readonly Step[] | (() => Promise<readonly Step[]>)): void;
}

/** Stock kubectl 1.36 against a control plane without kubelets, one for all the stories of a file: every command that rests on the API, with what upstream's server makes it print. */
export function tellStories(): Stories {
  let present: ControlPlane | undefined;
  const plane = (): ControlPlane => {
    assert.ok(present, "the control plane has not started");
    return present;
  };
  before(async () => {
    if (noKubectl === undefined) present = await startControlPlane();
  });
  after(async () => {
    const complaints = present?.started.complaints ?? [];
    await present?.[Symbol.asyncDispose]();
    assert.deepEqual(complaints, []);
  });
  return {
    plane,
    story: (name, steps) => {
      void test(name, { skip: noKubectl ?? false }, async () => {
        const namespace = name.toLowerCase().replaceAll(/[^a-z]+/g, "-").slice(0, 40).replaceAll(/^-|-$/g, "");
        await run(plane(), namespace, [
          [`create namespace ${namespace}`, `namespace/${namespace} created`],
          ["wait --for=create sa/default cm/kube-root-ca.crt --timeout=10s", /met/],
          ...(typeof steps === "function" ? await steps() : steps),
        ]);
      });
    },
  };
}

export const web = (own: { readonly image?: string; readonly replicas?: number } = {}): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: ${own.replicas ?? 2}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "${own.image ?? "nginx:1"}", ports: [{containerPort: 80}]}
`;
export const configMap = (name: string, more = ""): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${more}`;
