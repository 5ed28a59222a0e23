import { describe } from "node:test";
import { configMap, tellStories, web } from "./kubectl-story.ts";

const { story } = tellStories();

describe("kubectl", { concurrency: 3 }, () => {
  story("apply, diff, edit", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["apply -f -", "deployment.apps/web unchanged", { input: web() }],
    ["diff -f -", [/^-  generation: 1\n\+  generation: 2/m, /^-      - image: nginx:1\n\+      - image: nginx:2/m], { input: web({ image: "nginx:2" }), code: 1 }],
    ["diff -f -", "", { input: web() }],
    ["apply -f -", "deployment.apps/web configured", { input: web({ image: "nginx:2" }) }],
    ["apply view-last-applied deploy web", /image: nginx:2/],
    ["apply -f -", /^The Deployment "bad" is invalid: \n\* spec\.replicas: Invalid value: -1: must be greater than or equal to 0\n\* spec\.template\.metadata\.labels: Invalid value: \{"app":"b"\}: `selector` does not match template `labels`\n\* spec\.template\.spec\.containers\[0\]\.name: Required value\n$/, {
      input: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad}\nspec: {replicas: -1, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{image: x}]}}}", code: 1,
    }],
    ["apply -f -", 'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "nope"', { input: configMap("odd", "nope: 1"), code: 1 }],
    ["apply --validate=warn -f -", /^configmap\/odd created\nWarning: unknown field "nope"\n$/, { input: configMap("odd", "nope: 1") }],
    ["apply --validate=ignore -f -", "configmap/odd configured", { input: configMap("odd", "nope: 1") }],
    ["apply --dry-run=server -f -", "configmap/dry created (server dry run)", { input: configMap("dry") }],
    ["get cm dry", 'Error from server (NotFound): configmaps "dry" not found', { code: 1 }],
    ["apply -f -", "configmap/p1 created\nconfigmap/p2 created", { input: ["p1", "p2"].map((name) => configMap(name).replace("name: ", "labels: {prune: this}, name: ")).join("---\n") }],
    ["apply --prune -l prune=this --prune-allowlist=core/v1/ConfigMap -f -", "configmap/p1 unchanged\nconfigmap/p2 pruned", { input: configMap("p1").replace("name: ", "labels: {prune: this}, name: ") }],
    ["edit cm odd", "Edit cancelled, no changes made.", { env: { EDITOR: "true" } }],
    ["edit deploy web", "deployment.apps/web edited", { env: { EDITOR: "sed -i s/nginx:2/nginx:3/" } }],
    ["get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image}'", "nginx:3"],
    ["edit deploy web", "deployment.apps/web edited", { env: { EDITOR: "sed -i s/replicas:.2/replicas:\\ 1/" } }],
  ]);

  story("last applied and apply sets", [
    ["apply -f -", "configmap/a created", { input: configMap("a", "data: {k: v}") }],
    ["apply set-last-applied -f -", "configmap/a configured", { input: configMap("a", "data: {k: w}") }],
    ["apply view-last-applied cm a -o json", /"k": "w"/],
    ["get cm a -o 'jsonpath={.data.k}'", "v"],
    ["create cm bare", "configmap/bare created"],
    ["apply set-last-applied -f -", /^error: no last-applied-configuration annotation found on resource: bare, to create the annotation, run the command with --create-annotation/, { input: configMap("bare"), code: 1 }],
    ["apply set-last-applied --create-annotation -f -", "configmap/bare configured", { input: configMap("bare") }],
    ["apply edit-last-applied cm/a", "configmap/a edited", { env: { EDITOR: "sed -i s/k:.w/k:\\ x/" } }],
    ["apply view-last-applied cm a", /k: x/],
    ["diff --server-side -f -", 'Error from server (Conflict): Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.k', { input: configMap("a", "data: {k: z}"), code: 2 }],
    ["diff --server-side --force-conflicts -f -", /^-  k: v\n\+  k: z/m, { input: configMap("a", "data: {k: z}"), code: 1 }],
    ["apply --prune --applyset=both -f -", "configmap/one created\nconfigmap/two created", { input: ["one", "two"].map((name) => configMap(name)).join("---\n"), env: { KUBECTL_APPLYSET: "true" } }],
    ["apply --prune --applyset=both -f -", "configmap/one unchanged\nconfigmap/two pruned", { input: configMap("one"), env: { KUBECTL_APPLYSET: "true" } }],
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["edit deploy web", /^error: deployments\.apps "web" is invalid\nA copy of your changes has been stored to "\S+"\nerror: Edit cancelled, no valid changes were saved\.\n$/, { env: { EDITOR: "sed -i s/replicas:.2/replicas:\\ -2/" }, code: 1 }],
    ["edit deploy web --subresource=status", "Edit cancelled, no changes made.", { env: { EDITOR: "true" } }],
    ["replace --subresource=status -f -", /^deployment\.apps\/web replaced\n$/, { input: web() }],
  ]);

  story("server-side apply", [
    ["apply --server-side -f -", "configmap/a serverside-applied", { input: configMap("a", "data: {x: '1', z: '1'}") }],
    ["apply --server-side -f -", "configmap/a serverside-applied", { input: configMap("a", "data: {x: '1', z: '1'}") }],
    ["apply --server-side --field-manager=other -f -", /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.x\nPlease review the fields above--they currently have other managers/, { input: configMap("a", "data: {x: '2'}"), code: 1 }],
    ["apply --server-side --field-manager=other --force-conflicts -f -", "configmap/a serverside-applied", { input: configMap("a", "data: {x: '2'}") }],
    ["get cm a --show-managed-fields -o 'jsonpath={range .metadata.managedFields[*]}{.manager} {.operation} {.fieldsV1}{\"\\n\"}{end}'", 'kubectl Apply {"f:data":{"f:z":{}}}\nother Apply {"f:data":{"f:x":{}}}'],
    ["apply --server-side -f -", "configmap/a serverside-applied", { input: configMap("a") }],
    ["get cm a -o 'jsonpath={.data}'", '{"x":"2"}'],
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["apply --server-side -f -", "deployment.apps/web serverside-applied", { input: web({ image: "nginx:2" }) }],
    // Who goes over to server-side apply keeps a truthful annotation for the way back.
    ["get deploy web -o 'jsonpath={.metadata.annotations}'", /last-applied-configuration.*nginx:2/],
    ["apply --server-side --dry-run=server -f -", "configmap/never serverside-applied (server dry run)", { input: configMap("never") }],
    ["get cm never", 'Error from server (NotFound): configmaps "never" not found', { code: 1 }],
    ["scale deploy web --replicas=3", "deployment.apps/web scaled"],
    ["apply --server-side -f -", /^error: Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps\/v1: \.spec\.replicas/, { input: web({ replicas: 5 }), code: 1 }],
  ]);
});
