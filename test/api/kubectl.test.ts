/** Stock kubectl 1.36 against the control plane without kubelets: every command that rests on the API, with what upstream's server makes it print. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { noKubectl, startControlPlane, type ControlPlane, type KubectlOptions } from "./control-plane.ts";

let plane: ControlPlane;
before(async () => {
  if (noKubectl === undefined) plane = await startControlPlane();
});
after(async () => {
  if (noKubectl !== undefined) return;
  const { complaints } = plane.started;
  await plane[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

interface StepOptions extends KubectlOptions {
  /** The exit code; 0 when not said. */
  readonly code?: number;
}
/** A command line (words in single quotes are one), what it prints on both channels (a text: exactly that, but for spaces at the ends), and how it ends. */
type Step = readonly [command: string, prints: string | RegExp | readonly RegExp[], options?: StepOptions];

const words = (line: string): readonly string[] => Array.from(line.matchAll(/(?:'[^']*'|[^\s'])+/g), ([word]) => word.replaceAll("'", ""));

async function run(namespace: string, steps: readonly Step[]): Promise<void> {
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

/** One story: its steps follow each other in a namespace of their own. */
function story(name: string, steps: readonly Step[] | (() => Promise<readonly Step[]>)): void {
  test(name, { skip: noKubectl ?? false }, async () => {
    const namespace = name.toLowerCase().replaceAll(/[^a-z]+/g, "-").slice(0, 40).replaceAll(/^-|-$/g, "");
    await run(namespace, [
      [`create namespace ${namespace}`, `namespace/${namespace} created`],
      ["wait --for=create sa/default cm/kube-root-ca.crt --timeout=10s", /met/],
      ...(typeof steps === "function" ? await steps() : steps),
    ]);
  });
}

const web = (own: { readonly image?: string; readonly replicas?: number } = {}): string => `
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
const configMap = (name: string, more = ""): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${more}`;

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

  story("replace and patch", [
    ["create cm a --from-literal=k=v", "configmap/a created"],
    ["replace -f -", "configmap/a replaced", { input: configMap("a", "data: {k: w}") }],
    ["replace -f -", 'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again', { input: configMap("a").replace("name: a", "name: a, resourceVersion: '1'"), code: 1 }],
    ["replace -f -", 'Error from server (NotFound): error when replacing "STDIN": configmaps "none" not found', { input: configMap("none"), code: 1 }],
    ["replace --force -f -", /^configmap "a" deleted from replace-and-patch namespace\nconfigmap\/a replaced\n$/, { input: configMap("a", "data: {k: x}") }],
    [`patch cm a --type=json -p '[{"op":"test","path":"/data/k","value":"no"}]'`, "The request is invalid: the server rejected our request due to an error in our request", { code: 1 }],
    [`patch cm a --type=json -p '[{"op":"add","path":"/data/b","value":"1"}]'`, "configmap/a patched"],
    [`patch cm a --type=json -p '[{"op":"add","path":"/data/b","value":"1"}]'`, "configmap/a patched (no change)"],
    [`patch cm a --type=json -p '[{"op":"add","path":"/data/b","value":1}]'`, /^The request is invalid: patch: Invalid value: .*json: cannot unmarshal number into Go struct field ConfigMap\.data of type string\n$/, { code: 1 }],
    [`patch cm a --type=merge -p '{"data":{"b":null,"c":"3"}}'`, "configmap/a patched"],
    ["get cm a -o 'jsonpath={.data}'", '{"c":"3","k":"x"}'],
    [`patch cm a --type=merge -p '{"metadata":{"uid":"other"}}'`, 'The ConfigMap "a" is invalid: metadata.uid: Invalid value: "other": field is immutable', { code: 1 }],
    [`patch cm a --type=merge -p '{"metadata":{"name":"b"}}'`, 'Error from server (BadRequest): the name of the object (b) does not match the name on the URL (a)', { code: 1 }],
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    [`patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}'`, "deployment.apps/web patched"],
    ["get deploy web -o 'jsonpath={.spec.template.spec.containers[*].name}'", "side c"],
    [`patch deploy web -p '{"spec":{"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}'`, "deployment.apps/web patched"],
    ["get deploy web -o 'jsonpath={.spec.template.spec.containers[*].name}'", "c"],
    [`patch deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":1}}'`, "scale.autoscaling/web patched"],
    ["get deploy web --subresource=scale", /^NAME   DESIRED   AVAILABLE   AGE\nweb    1         \d {11}\d+s\n$/],
    [`patch pod nope -p '{}'`, 'Error from server (NotFound): pods "nope" not found', { code: 1 }],
    ["create quota q --hard=pods=5", "resourcequota/q created"],
    [`patch quota q --subresource=status --type=merge -p '{"spec":{"hard":{"pods":"9"}},"status":{"hard":{"pods":"5"},"used":{"pods":"0"}}}'`, "resourcequota/q patched"],
    ["get quota q -o 'jsonpath={.spec.hard} {.status.hard}'", '{"pods":"5"} {"pods":"5"}'],
  ]);

  story("label, annotate, set, scale", [
    ["create cm a", "configmap/a created"],
    ["label cm a x=y", "configmap/a labeled"],
    ["label cm a x=y", "configmap/a not labeled"],
    ["label cm a x=z", "error: 'x' already has a value (y), and --overwrite is false", { code: 1 }],
    ["label cm a x=z --overwrite", "configmap/a labeled"],
    ["get cm -l x=z -o name", "configmap/a"],
    ["label cm a x-", "configmap/a unlabeled"],
    ["annotate cm a n=1", "configmap/a annotated"],
    ["annotate cm a kubernetes.io/..=1", /^The ConfigMap "a" is invalid: metadata\.annotations: Invalid value: "kubernetes\.io\/\.\.": name part must consist of alphanumeric characters/, { code: 1 }],
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["set image deploy/web c=nginx:2", "deployment.apps/web image updated"],
    ["set image deploy/web nope=1", 'error: unable to find container named "nope"', { code: 1 }],
    ["set env deploy/web A=b", "deployment.apps/web env updated"],
    ["set env deploy/web --list", "# Deployment web, container c\nA=b"],
    ["set resources deploy/web -c c --limits=cpu=200m,memory=512Mi --requests=cpu=100m", "deployment.apps/web resource requirements updated"],
    ["set resources deploy/web --requests=cpu=300m", /Deployment\.apps "web" is invalid: spec\.template\.spec\.containers\[0\]\.resources\.requests: Invalid value: "300m": must be less than or equal to cpu limit of 200m/, { code: 1 }],
    ["set serviceaccount deploy/web robot", "deployment.apps/web serviceaccount updated"],
    ["get deploy web -o 'jsonpath={.spec.template.spec.serviceAccount} {.spec.template.spec.serviceAccountName}'", "robot robot"],
    ["create service clusterip s --tcp=80", "service/s created"],
    ["set selector svc s app=web", "service/s selector updated"],
    ["create rolebinding rb --clusterrole=view --user=a", "rolebinding.rbac.authorization.k8s.io/rb created"],
    ["set subject rolebinding rb --user=b --dry-run=server", "rolebinding.rbac.authorization.k8s.io/rb subjects updated (server dry run)"],
    ["set subject rolebinding rb --user=b", "rolebinding.rbac.authorization.k8s.io/rb subjects updated"],
    ["get rolebinding rb -o wide", /ClusterRole\/view +\d+s +a, b/],
    ["scale deploy web --replicas=1", "deployment.apps/web scaled"],
    ["scale deploy web --replicas=2 --current-replicas=7", "error: Expected replicas to be 7, was 1", { code: 1 }],
    ["scale deploy nope --replicas=4", 'Error from server (NotFound): deployments.apps "nope" not found', { code: 1 }],
    ["scale deploy web --replicas=2 --resource-version=1", /^error: Expected resource version to be 1, was \d+\n$/, { code: 1 }],
  ]);

  story("rollout", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /deployment "web" successfully rolled out/],
    ["set image deploy/web c=nginx:2", "deployment.apps/web image updated"],
    ["rollout status deploy/web --timeout=20s", /deployment "web" successfully rolled out/],
    ["rollout history deploy/web", /^deployment\.apps\/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>/],
    ["rollout history deploy/web --revision=1", [/^deployment\.apps\/web with revision #1\nPod Template:/, /Image:\tnginx:1/]],
    ["rollout undo deploy/web --to-revision=9", /error: unable to find specified revision 9 in history\n$/, { code: 1 }],
    ["rollout undo deploy/web", /deployment\.apps\/web rolled back/],
    ["rollout status deploy/web --timeout=20s", /deployment "web" successfully rolled out/],
    ["get deploy web -o 'jsonpath={.spec.template.spec.containers[0].image} {.metadata.annotations.deployment\\.kubernetes\\.io/revision}'", "nginx:1 3"],
    ["rollout pause deploy/web", "deployment.apps/web paused"],
    ["rollout pause deploy/web", 'error: deployments.apps "web" is already paused', { code: 1 }],
    ["rollout restart deploy/web", "error: deployments.apps \"web\" can't restart paused deployment (run rollout resume first)", { code: 1 }],
    ["rollout resume deploy/web", "deployment.apps/web resumed"],
    ["rollout restart deploy/web", "deployment.apps/web restarted"],
    ["rollout status deploy/web --timeout=20s", /deployment "web" successfully rolled out/],
    ["create -f -", "daemonset.apps/d created", { input: "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\nspec: {selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: a}]}}}" }],
    ["rollout status ds/d --timeout=20s", /daemon set "d" successfully rolled out/],
    ["rollout history ds/d", /REVISION  CHANGE-CAUSE\n1         <none>/],
    ["create -f -", "statefulset.apps/s created", { input: "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s}\nspec: {serviceName: s, replicas: 2, selector: {matchLabels: {app: s}}, template: {metadata: {labels: {app: s}}, spec: {containers: [{name: c, image: a}]}}}" }],
    ["rollout status sts/s --timeout=20s", /partitioned roll out complete: 2 new pods have been updated|statefulset rolling update complete 2 pods|roll ?out complete/],
    ["get pods -l app=s -o name", "pod/s-0\npod/s-1"],
  ]);

  story("autoscale and expose", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /successfully rolled out/],
    ["autoscale deploy web --min=1 --max=4 --cpu=80%", "horizontalpodautoscaler.autoscaling/web autoscaled"],
    ["get hpa", /^NAME   REFERENCE        TARGETS              MINPODS   MAXPODS   REPLICAS   AGE\nweb    Deployment\/web   cpu: <unknown>\/80%   1         4         \d          \d+s\n$/],
    ["get horizontalpodautoscalers.v1.autoscaling web -o 'jsonpath={.spec.targetCPUUtilizationPercentage}'", "80"],
    ["expose deploy web --port=80 --target-port=8080", "service/web exposed"],
    ["expose deploy web --port=80", 'Error from server (AlreadyExists): services "web" already exists', { code: 1 }],
    ["expose deploy web --port=80 --name=np --type=NodePort", "service/np exposed"],
    ["get svc np", /np     NodePort   10\.96\.\d+\.\d+   <none>        80:3\d{4}\/TCP   \d+s/],
    ["wait endpointslice -l kubernetes.io/service-name=web --for=jsonpath={.endpoints[0].conditions.ready}=true --timeout=10s", /condition met/],
    ["get endpoints web", /^NAME   ENDPOINTS +AGE\nweb    10\.244\.9\.\d+:8080,10\.244\.9\.\d+:8080 /],
    ["describe svc web", [/^Endpoints: +10\.244\.9\.\d+:8080,10\.244\.9\.\d+:8080$/m, /^TargetPort: +8080\/TCP$/m]],
  ]);

  story("wait", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["wait deploy/web --for=condition=Available --timeout=20s", "deployment.apps/web condition met"],
    ["wait deploy/web --for=jsonpath={.status.readyReplicas}=2 --timeout=20s", "deployment.apps/web condition met"],
    ["wait pod -l app=web --for=condition=Ready --timeout=20s", /^pod\/web-\S+ condition met\npod\/web-\S+ condition met\n$/],
    ["wait pod/nope --for=condition=Ready --timeout=1s", 'Error from server (NotFound): pods "nope" not found', { code: 1 }],
    ["wait deploy/web --for=condition=Nope --timeout=1s", "error: timed out waiting for the condition on deployments/web", { code: 1 }],
    ["wait sa/default --for=delete --timeout=1s", "error: timed out waiting for the condition on serviceaccounts/default", { code: 1 }],
    ["create job j --image=a -- echo", "job.batch/j created"],
    ["wait job/j --for=condition=Complete --timeout=20s", "job.batch/j condition met"],
    ["delete deploy web --wait=false", 'deployment.apps "web" deleted from wait namespace'],
    ["wait deploy/web --for=delete --timeout=20s", /^(deployment\.apps\/web condition met\n)?$/],
  ]);

  story("get in all forms", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /successfully rolled out/],
    ["get pods", /^NAME +READY   STATUS    RESTARTS   AGE\nweb-\S+   1\/1     Running   0          \d+s\nweb-\S+   1\/1     Running   0          \d+s\n$/],
    ["get pods -o wide", /^NAME +READY   STATUS    RESTARTS   AGE   IP +NODE   NOMINATED NODE   READINESS GATES\n/],
    ["get pods -o name", /^(pod\/web-\S+\n){2}$/],
    ["get deploy web -o json", /^\{\n {4}"apiVersion": "apps\/v1",\n {4}"kind": "Deployment",\n/],
    ["get deploy,cm -o yaml", /^apiVersion: v1\nitems:\n- apiVersion: apps\/v1\n  kind: Deployment\n[^]*kind: List\nmetadata:\n  resourceVersion: ""\n$/],
    ["get deploy web -o yaml", /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n  annotations:\n(?![^]*managedFields)/],
    ["get pods -o custom-columns=N:.metadata.labels.app,I:.spec.containers[*].image --no-headers", "web   nginx:1\nweb   nginx:1"],
    ["get pods -o 'go-template={{range .items}}{{.kind}} {{end}}'", "Pod Pod"],
    ["get deploy -o 'jsonpath={.items[*].metadata.name}'", "web"],
    ["get pods --sort-by=.metadata.name --no-headers -L app", /^web-\S+ +1\/1   Running   0 +\d+s +web\nweb-/],
    ["get pods --show-labels --chunk-size=1", /app=web,pod-template-hash=/],
    ["get pods --field-selector=status.phase=Pending", "No resources found in get-in-all-forms namespace."],
    ["get pods --field-selector=x=y", 'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "x=y": field label not supported: x', { code: 1 }],
    ["get pods -l 'app in (web),!x' -o name", /^(pod\/web-\S+\n){2}$/],
    ["get all", [/^pod\/web-/m, /^deployment\.apps\/web +2\/2 +2 +2 +\d+s$/m, /^replicaset\.apps\/web-\S+ +2 +2 +2 +\d+s$/m]],
    ["get nopes", 'error: the server doesn\'t have a resource type "nopes"', { code: 1 }],
    ["get pod nope --ignore-not-found", ""],
    ["get pods --watch --output-watch-events", /^EVENT      NAME +READY   STATUS    RESTARTS   AGE\nADDED      web-/, { forMs: 1500, code: 1 }],
    ["get ns default -o 'jsonpath={.status.phase}' --watch=false", "Active"],
    ["get events --field-selector=involvedObject.kind=Deployment --sort-by=.metadata.name", /ScalingReplicaSet   deployment\/web   Scaled up replica set web-\S+ from 0 to 2/],
    ["events --for=deploy/web --types=Normal", /^LAST SEEN   TYPE     REASON              OBJECT           MESSAGE\n.*Normal   ScalingReplicaSet   Deployment\/web   Scaled up replica set web-\S+ from 0 to 2\n$/],
  ]);

  story("raw", [
    ["get --raw /", /^\{\n {2}"paths": \[\n {4}"\/\.well-known\/openid-configuration",\n {4}"\/api",\n/],
    ["get --raw /livez?verbose", /^\[\+\]ping ok\n\[\+\]etcd ok\n(\[\+\]\S+ ok\n)*livez check passed\n$/],
    ["get --raw '/readyz?verbose&exclude=ping'", /^\[\+\]ping excluded: ok\n(\[\+\]\S+ ok\n)*readyz check passed\n$/],
    ["get --raw /livez/ping", "ok"],
    ["get --raw /livez/nope", "Error from server (NotFound): the server could not find the requested resource", { code: 1 }],
    ["get --raw /metrics", /^apiserver_request_total\{code="200",component="apiserver",dry_run="",group="",resource="[^"]*",scope="[a-z]*",subresource="",system_client="",verb="[A-Z]+",version="[^"]*"\} \d+$/m],
    ["get --raw /version", /"gitVersion": "v1\.36\.\d+"/],
    ["get --raw /openapi/v3", /"apis\/apps\/v1":\{"serverRelativeURL":"\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}"\}/],
    ["get --raw /apis/apps/v1", /^\{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps\/v1","resources":\[/],
    ["get --raw /nope", "Error from server (NotFound): the server could not find the requested resource", { code: 1 }],
    ["api-resources --api-group=apps -o wide", /^deployments           deploy       apps\/v1      true         Deployment           create,delete,deletecollection,get,list,patch,update,watch   all$/m],
    ["api-resources --namespaced=false --verbs=list -o name", /^namespaces\nnodes\npersistentvolumes\n/m],
    ["api-versions", /^admissionregistration\.k8s\.io\/v1\n(?:\S+\n)*storage\.k8s\.io\/v1\nv1\n$/],
    ["cluster-info", /control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/],
    ["version", /^Client Version: v1\.36\.\d+\nKustomize Version: \S+\nServer Version: v1\.36\.\d+\n$/],
    ["top nodes", "error: Metrics API not available", { code: 1 }],
    ["explain pod.spec.containers.ports", /^KIND: +Pod\nVERSION: +v1\n\nFIELD: ports <\[\]ContainerPort>\n\n\nDESCRIPTION:\n[^]*FIELDS:\n {2}containerPort\t<integer> -required-\n/],
    ["explain deploy --recursive", /^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nDESCRIPTION:[^]*\n {2}spec\t<DeploymentSpec>\n {4}minReadySeconds\t<integer>\n/],
    ["explain hpa.spec --api-version=autoscaling/v1", /FIELDS:\n[^]*targetCPUUtilizationPercentage\t<integer>/],
    ["explain pod.nope", /error: field "nope" does not exist/, { code: 1 }],
  ]);

  story("create", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { pki } = plane.started;
    await writeFile(join(plane.folder, "tls.crt"), pki.admin.certificatePem);
    await writeFile(join(plane.folder, "tls.key"), pki.admin.privateKeyPem);
    await writeFile(join(plane.folder, "other.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
    return [
      ["create deployment d --image=a --replicas=1 --port=9", "deployment.apps/d created"],
      ["create job j --image=a -- echo", "job.batch/j created"],
      ["create cronjob cj --image=a --schedule='*/1 * * * *' -- echo", "cronjob.batch/cj created"],
      ["create configmap cm --from-literal=a=b --from-file=tls.crt", "configmap/cm created"],
      ["create configmap cm", 'error: failed to create configmap: configmaps "cm" already exists', { code: 1 }],
      ["create secret generic s --from-literal=a=b", "secret/s created"],
      ["create secret tls st --cert=tls.crt --key=tls.key", "secret/st created"],
      ["create secret docker-registry sd --docker-server=a --docker-username=b --docker-password=c", "secret/sd created"],
      ["get secret", /^NAME   TYPE                             DATA   AGE\ns      Opaque                           1      \d+s\nsd     kubernetes\.io\/dockerconfigjson   1      \d+s\nst     kubernetes\.io\/tls                2      \d+s\n$/],
      ["create service nodeport snp --tcp=80:80 --node-port=30080", "service/snp created"],
      ["create service nodeport snp2 --tcp=80:80 --node-port=30080", /error: failed to create NodePort service: Service "snp2" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/, { code: 1 }],
      ["create service loadbalancer slb --tcp=80", "service/slb created"],
      ["create service externalname sen --external-name=a.b", "service/sen created"],
      ["get svc", [/^sen +ExternalName   <none> +a\.b +<none>/m, /^slb +LoadBalancer +10\.\S+ +<pending> +80:\d+\/TCP/m]],
      ["create ingress ing2 --rule=a.b/c*=web:80,tls=x --class=nginx", "ingress.networking.k8s.io/ing2 created"],
      ["get ing ing2", /^NAME   CLASS   HOSTS   ADDRESS   PORTS     AGE\ning2   nginx   a\.b               80, 443   \d+s\n$/],
      ["create quota q --hard=pods=20,cpu=100", "resourcequota/q created"],
      ["create pdb pdb --selector=app=web --min-available=1", "poddisruptionbudget.policy/pdb created"],
      ["create priorityclass create-pc --value=7 --description=d", "priorityclass.scheduling.k8s.io/create-pc created"],
      ["create role r --verb=get,list --resource=pods,deployments.apps", "role.rbac.authorization.k8s.io/r created"],
      ["create rolebinding rb --role=r --user=bob --serviceaccount=default:default", "rolebinding.rbac.authorization.k8s.io/rb created"],
      ["create clusterrole create-cr --verb=get --resource=nodes", "clusterrole.rbac.authorization.k8s.io/create-cr created"],
      ["create clusterrole create-cra --aggregation-rule=a=b", "clusterrole.rbac.authorization.k8s.io/create-cra created"],
      ["create clusterrole create-crn --verb=get --non-resource-url=/x", "clusterrole.rbac.authorization.k8s.io/create-crn created"],
      ["create clusterrolebinding create-crb --clusterrole=create-cr --group=g", "clusterrolebinding.rbac.authorization.k8s.io/create-crb created"],
      ["create serviceaccount bob", "serviceaccount/bob created"],
      ["create serviceaccount dry --dry-run=server -o name", "serviceaccount/dry"],
      ["create token bob", /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n?$/],
      ["create token bob --duration=1m", 'error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes', { code: 1 }],
      ["create token nope", 'error: failed to create token: serviceaccounts "nope" not found', { code: 1 }],
      ["run r --image=a --dry-run=server", "pod/r created (server dry run)"],
      ["run r --image=a --labels=app=r --env=A=b --port=80", "pod/r created"],
      ["run r --image=a", 'Error from server (AlreadyExists): pods "r" already exists', { code: 1 }],
      ["run Bad_ --image=a", /^The Pod "Bad_" is invalid: \n\* metadata\.name: Invalid value: "Bad_": a lowercase RFC 1123 subdomain must consist/, { code: 1 }],
      ["create -f - -n nowhere", 'Error from server (NotFound): error when creating "STDIN": namespaces "nowhere" not found', { input: configMap("a"), code: 1 }],
    ];
  });

  story("describe", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /successfully rolled out/],
    ["describe deploy web", [/^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m, /^  Available      True    MinimumReplicasAvailable$/m, /^NewReplicaSet:   web-\w+ \(2\/2 replicas created\)$/m, /ScalingReplicaSet/]],
    ["describe rs", [/^Controlled By:  Deployment\/web$/m, /^Pods Status:    2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m]],
    ["describe pod", [/^Controlled By:  ReplicaSet\/web-/m, /^QoS Class: +BestEffort$/m, /^Tolerations: +node\.kubernetes\.io\/not-ready:NoExecute op=Exists for 300s$/m, /Scheduled/]],
    ["describe node n1", [/^Roles: +<none>$/m, /^  HolderIdentity:  n1$/m, /^  Ready   True/m, /^PodCIDR: +10\.244\.\d\.0\/24$/m, /^Allocated resources:$/m]],
    ["describe ns default", /^Status: +Active\n\nNo resource quota\.\n\nNo LimitRange resource\.$/m],
    ["describe svc kubernetes -n default", [/^IP: +10\.96\.0\.1$/m, /^Endpoints: +192\.0\.2\.1:6443$/m]],
    ["describe endpoints kubernetes -n default", /Addresses: +192\.0\.2\.1/],
    ["describe endpointslice kubernetes -n default", /^  - Addresses:  192\.0\.2\.1$/m],
    ["describe cm kube-root-ca.crt", /^ca\.crt:\n----\n-----BEGIN CERTIFICATE-----$/m],
    ["describe sa default", /^Name: +default$/m],
    ["describe clusterrole view", /^  pods  +\[\]  +\[\]  +\[get list watch\]$/m],
    ["describe clusterrolebinding cluster-admin", /^  Group  system:masters/m],
    ["describe role extension-apiserver-authentication-reader -n kube-system", /\[extension-apiserver-authentication\]/],
    ["create job j --image=a -- echo", "job.batch/j created"],
    ["wait job/j --for=condition=Complete --timeout=20s", "job.batch/j condition met"],
    ["describe job j", [/^Pods Statuses: +0 Active \(0 Ready\) \/ 1 Succeeded \/ 0 Failed$/m, /SuccessfulCreate/, /Completed/]],
    ["create pdb pdb --selector=app=web --min-available=1", "poddisruptionbudget.policy/pdb created"],
    ["wait pdb/pdb --for=jsonpath={.status.disruptionsAllowed}=1 --timeout=10s", /met/],
    ["describe pdb pdb", [/^ {4}Allowed disruptions:  1$/m, /^ {4}Total: +2$/m]],
    ["create ingress ing --rule=a.b/c*=web:80,tls=x", "ingress.networking.k8s.io/ing created"],
    ["describe ingress ing", /x terminates a\.b/],
    ["create secret generic s --from-literal=a=bcd", "secret/s created"],
    ["describe secret s", /^a:  3 bytes$/m],
    ["describe lease n1 -n kube-node-lease", /^  Lease Duration Seconds:  40$/m],
    ["describe priorityclass system-node-critical", /^Value: +2000001000$/m],
    ["autoscale deploy web --min=1 --max=4 --cpu=80%", "horizontalpodautoscaler.autoscaling/web autoscaled"],
    ["describe hpa web", /resource cpu on pods  \(as a percentage of request\):  <unknown> \/ 80%/],
    ["create -f -", "networkpolicy.networking.k8s.io/np created", { input: "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np}\nspec: {podSelector: {}, policyTypes: [Ingress]}" }],
    ["describe netpol np", /Allowing ingress traffic:\n {4}<none> \(Selected pods are isolated for ingress connectivity\)/],
    ["create -f -", "storageclass.storage.k8s.io/slow created", { input: "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: slow}\nprovisioner: example.com/p" }],
    ["describe sc slow", /^ReclaimPolicy: +Delete$/m],
    ["create -f -", "persistentvolumeclaim/c created", { input: "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {accessModes: [ReadWriteOnce], storageClassName: slow, resources: {requests: {storage: 1Gi}}}" }],
    ["describe pvc c", [/^Status: +Pending$/m, /^Finalizers: +\[kubernetes\.io\/pvc-protection\]$/m]],
    ["create -f -", "limitrange/l created", { input: "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\nspec: {limits: [{type: Container, default: {cpu: 1}}]}" }],
    ["describe limits l", /^Container +cpu +- +- +1 +1 +-$/m],
  ]);

  story("rights", [
    ["auth whoami", [/^Username +kubernetes-admin$/m, /^Groups +\[system:masters system:authenticated\]$/m]],
    ["auth whoami --as=bob -o 'jsonpath={.status.userInfo.username}'", "bob"],
    ["auth can-i create pods", "yes"],
    ["auth can-i get pods --as=bob", "no", { code: 1 }],
    ["auth can-i --list --as=bob", /^selfsubjectreviews\.authentication\.k8s\.io +\[\] +\[\] +\[create\]$/m],
    ["get pods --as=bob", 'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "rights"', { code: 1 }],
    ["create role reader --verb=get,list --resource=pods", "role.rbac.authorization.k8s.io/reader created"],
    ["create rolebinding readers --role=reader --user=bob", "rolebinding.rbac.authorization.k8s.io/readers created"],
    ["auth can-i list pods --as=bob", "yes"],
    ["get pods --as=bob", "No resources found in rights namespace."],
    ["auth reconcile -f -", /^clusterrole\.rbac\.authorization\.k8s\.io\/rights reconciled\n\treconciliation required create\n\tmissing rules added:/, { input: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: rights}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]" }],
    ["create role escalated --verb=get --resource=secrets --as=bob", /User "bob" cannot create resource "roles"/, { code: 1 }],
  ]);

  story("certificates", async () => {
    const request = await certificateRequest("joe");
    const asked = (name: string) => `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: ${name}}\nspec: {request: ${request}, signerName: example.com/s, usages: [client auth]}`;
    return [
      ["create -f -", "certificatesigningrequest.certificates.k8s.io/joe created", { input: asked("joe") }],
      ["get csr joe", /^NAME   AGE   SIGNERNAME      REQUESTOR          REQUESTEDDURATION   CONDITION\njoe    \d+s    example\.com\/s   kubernetes-admin   <none>              Pending\n$/],
      ["certificate approve joe", "certificatesigningrequest.certificates.k8s.io/joe approved"],
      ["get csr joe -o 'jsonpath={.status.conditions[0].type} {.status.conditions[0].lastTransitionTime}'", /^Approved \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
      ["certificate deny joe", 'error: certificate signing request "joe" is already Approved', { code: 1 }],
      ["create -f -", "certificatesigningrequest.certificates.k8s.io/jim created", { input: asked("jim") }],
      ["certificate deny jim", "certificatesigningrequest.certificates.k8s.io/jim denied"],
      ["describe csr jim", [/^Requesting User: +kubernetes-admin$/m, /^Status: +Denied$/m, /Common Name: +joe/]],
    ];
  });

  story("debug", [
    ["run src --image=a", "pod/src created"],
    ["debug src --copy-to=dst --set-image=src=b --attach=false", ""],
    ["get pod dst -o 'jsonpath={.spec.containers[*].image}'", "b"],
    ["debug src --image=busybox --attach=false", /^Defaulting debug container name to debugger-\w+\.\n$/],
    ["get pod src -o 'jsonpath={.spec.ephemeralContainers[*].image}'", "busybox"],
    ["debug node/n1 --image=a --attach=false", /^Creating debugging pod node-debugger-n1-\w+ with container debugger on node n1\.\n$/],
  ]);

  story("delete", [
    ["delete cm nope", 'Error from server (NotFound): configmaps "nope" not found', { code: 1 }],
    ["delete cm nope --ignore-not-found", ""],
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /successfully rolled out/],
    ["delete deploy web --cascade=orphan", 'deployment.apps "web" deleted from delete namespace'],
    ["get rs -l app=web -o 'jsonpath={.items[*].metadata.ownerReferences}'", ""],
    ["delete rs -l app=web --cascade=foreground --timeout=20s", /^replicaset\.apps "web-\w+" deleted from delete namespace\n$/],
    ["get pods -l app=web -o name", ""],
    ["create deployment back --image=a", "deployment.apps/back created"],
    ["rollout status deploy/back --timeout=20s", /successfully rolled out/],
    ["delete deploy back", 'deployment.apps "back" deleted from delete namespace'],
    ["run a --image=a", "pod/a created"],
    ["delete pod a --force --grace-period=0", /pod "a" force deleted from delete namespace\n/],
    ["run b --image=a", "pod/b created"],
    ["delete pod b --now", 'pod "b" deleted from delete namespace'],
    ["create cm x1", "configmap/x1 created"],
    ["create cm x2", "configmap/x2 created"],
    ["delete cm x1 --dry-run=server", 'configmap "x1" deleted from delete namespace (server dry run)'],
    ["label cm x1 x2 gone=yes", "configmap/x1 labeled\nconfigmap/x2 labeled"],
    ["delete cm -l gone=yes", 'configmap "x1" deleted from delete namespace\nconfigmap "x2" deleted from delete namespace'],
    ["delete cm -l gone=yes", "No resources found"],
    ["create secret generic s", "secret/s created"],
    ["delete secret --all", 'secret "s" deleted from delete namespace'],
    ["delete -f -", 'Error from server (NotFound): error when deleting "STDIN": deployments.apps "web" not found', { input: web(), code: 1 }],
    ["create ns delete-inner", /^namespace\/delete-inner created$/m],
    ["delete ns delete-inner --timeout=20s", /^namespace "delete-inner" deleted$/m],
    ["get ns delete-inner", 'Error from server (NotFound): namespaces "delete-inner" not found', { code: 1 }],
  ]);
});

/** Nodes belong to everybody, so this comes when the others are through. */
describe("kubectl with nodes", () => {
  story("taint, cordon, drain", [
    ["taint node n1 a=b:NoSchedule", "node/n1 tainted"],
    ["taint node n1 a=b:NoSchedule", "error: node n1 already has a taint(s) with same effect(s) and --overwrite is false", { code: 1 }],
    ["taint node n1 a=c:NoSchedule --overwrite", "node/n1 modified"],
    ["taint node n1 a-", "node/n1 untainted"],
    ["taint node n1 a-", 'error: taint "a" not found', { code: 1 }],
    ["cordon n1", "node/n1 cordoned"],
    ["cordon n1", "node/n1 already cordoned"],
    ["get node n1", /^n1     Ready,SchedulingDisabled   <none>   \d+\w+   v1\.36\.0$/m],
    ["run lone --image=a", "pod/lone created"],
    ["wait pod/lone --for=condition=Ready --timeout=20s", "pod/lone condition met"],
    ["get pod lone -o 'jsonpath={.spec.nodeName}'", "n2"],
    ["uncordon n1", "node/n1 uncordoned"],
    ["drain n2 --pod-selector=run=lone", /cannot delete Pods that declare no controller \(use --force to override\): taint-cordon-drain\/lone/, { code: 1 }],
    ["drain n2 --pod-selector=run=lone --force --grace-period=1", /evicting pod taint-cordon-drain\/lone\npod\/lone evicted\nnode\/n2 drained\n|node\/n2 already cordoned[^]*pod\/lone evicted[^]*node\/n2 drained/],
    ["get pod lone", 'Error from server (NotFound): pods "lone" not found', { code: 1 }],
    ["uncordon n2", "node/n2 uncordoned"],
    ["drain n1 --force --ignore-daemonsets --dry-run=server", /^node\/n1 cordoned \(server dry run\)\n[^]*node\/n1 drained \(server dry run\)\n/],
    ["get node n1 -o 'jsonpath={.spec.unschedulable}'", ""],
  ]);
});

async function certificateRequest(commonName: string): Promise<string> {
  await import("reflect-metadata");
  const { Pkcs10CertificateRequestGenerator } = await import("@peculiar/x509");
  const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const made = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${commonName}`, keys, signingAlgorithm });
  return Buffer.from(made.toString("pem")).toString("base64");
}
