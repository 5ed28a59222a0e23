import { describe } from "node:test";
import { tellStories, web } from "./kubectl-story.ts";

const { story } = tellStories();

describe("kubectl", { concurrency: 3 }, () => {
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

  // Their history is that of ControllerRevisions.
  for (const [kind, long, manifest] of [
    ["ds", "daemonset", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: w}\nspec: {updateStrategy: {rollingUpdate: {maxUnavailable: 100%}}, selector: {matchLabels: {app: w}}, template: {metadata: {labels: {app: w}}, spec: {containers: [{name: c, image: \"a:1\"}]}}}"],
    ["sts", "statefulset", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: w}\nspec: {serviceName: w, replicas: 1, selector: {matchLabels: {app: w}}, template: {metadata: {labels: {app: w}}, spec: {containers: [{name: c, image: \"a:1\"}]}}}"],
  ] as const) {
    story(`rollout of a ${long}`, [
      ["create -f -", `${long}.apps/w created`, { input: manifest }],
      [`rollout status ${kind}/w --timeout=30s`, /successfully rolled out|roll ?out complete|rolling update complete/],
      [`set image ${kind}/w c=a:2`, `${long}.apps/w image updated`],
      [`rollout status ${kind}/w --timeout=30s`, /successfully rolled out|roll ?out complete|rolling update complete/],
      [`rollout history ${kind}/w`, new RegExp(`^${long}\\.apps/w \\nREVISION  CHANGE-CAUSE\\n1         <none>\\n2         <none>\\n`)],
      [`rollout history ${kind}/w --revision=1`, [new RegExp(`^${long}\\.apps/w with revision #1\\nPod Template:`), /Image:\ta:1/]],
      [`rollout undo ${kind}/w --to-revision=9`, /error: unable to find specified revision 9 in history/, { code: 1 }],
      [`rollout undo ${kind}/w --dry-run=server`, /\(server dry run\)/],
      [`rollout undo ${kind}/w --to-revision=1`, `${long}.apps/w rolled back`],
      [`rollout status ${kind}/w --timeout=30s`, /successfully rolled out|roll ?out complete|rolling update complete/],
      [`get ${kind} w -o 'jsonpath={.spec.template.spec.containers[0].image}'`, "a:1"],
      [`rollout history ${kind}/w`, /\n2         <none>\n3         <none>/],
      [`rollout undo ${kind}/w`, `${long}.apps/w rolled back`],
      [`get ${kind} w -o 'jsonpath={.spec.template.spec.containers[0].image}'`, "a:2"],
      [`rollout restart ${kind}/w`, `${long}.apps/w restarted`],
      [`rollout status ${kind}/w --timeout=30s`, /successfully rolled out|roll ?out complete|rolling update complete/],
      [`rollout pause ${kind}/w`, `error: ${long}s.apps "w" pausing is not supported`, { code: 1 }],
      [`rollout resume ${kind}/w`, `error: ${long}s.apps "w" resuming is not supported`, { code: 1 }],
    ]);
  }

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

  story("debug", [
    ["run src --image=a", "pod/src created"],
    ["debug src --copy-to=dst --set-image=src=b --attach=false", ""],
    ["get pod dst -o 'jsonpath={.spec.containers[*].image}'", "b"],
    ["debug src --image=busybox --attach=false", /^Defaulting debug container name to debugger-\w+\.\n$/],
    ["get pod src -o 'jsonpath={.spec.ephemeralContainers[*].image}'", "busybox"],
    ["debug node/n1 --image=a --attach=false", /^Creating debugging pod node-debugger-n1-\w+ with container debugger on node n1\.\n$/],
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
    ["get node n1", /^n1 +Ready,SchedulingDisabled +<none> +\d+\w+ +v1\.36\.0$/m],
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
