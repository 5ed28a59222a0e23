import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { runKubectl } from "../../src/kubectl/kubectl.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { startTestApiServer, type TestApiServer } from "./api-server.ts";

/** Stock kubectl 1.36 where `npm run test:setup` put it, or where KEELSON_KUBECTL says. */
const stock = process.env["KEELSON_KUBECTL"] ?? kubectlPath;
const skip = existsSync(stock) ? false : `stock kubectl is not at ${stock}: the set-up of the end-to-end tests fetches it`;

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

let server: TestApiServer;
const file = (name: string): string => join(import.meta.dirname, name);

const runStock = (args: readonly string[], stdin: string): Promise<Outcome> => new Promise((resolve) => {
  const child = execFile(stock, [...args], { env: { PATH: process.env["PATH"], HOME: server.folder, TZ: "UTC", KUBECONFIG: server.kubeconfig } }, (error, stdout, stderr) =>
    resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? 1) }));
  child.stdin?.end(stdin);
});

async function runOurs(args: readonly string[], stdin: string): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const code = await runKubectl(args, {
    stdin: Readable.from([Buffer.from(stdin)]), stdout: { write: (text) => (stdout += typeof text === "string" ? text : Buffer.from(text).toString("utf8")) },
    stderr: { write: (text) => (stderr += typeof text === "string" ? text : Buffer.from(text).toString("utf8")) }, env: { KUBECONFIG: server.kubeconfig }, clock: systemClock,
    signal: new AbortController().signal, name: "kubectl",
  });
  return { stdout, stderr, code };
}

/** What differs from run to run: identities, times, revisions, addresses; and what stock kubectl logs for itself. */
function masked({ stdout, stderr, code }: Outcome): Outcome {
  const text = (each: string): string => each
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UID")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replaceAll(/(resourceVersion"?: )"\d+"/g, '$1"N"')
    .replaceAll(/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-XXXXX")
    .replaceAll(/\b10\.(96|97|98|99|1\d\d)\.\d+\.\d+\b/g, "IP")
    .replaceAll(/\b(parity-stock|parity-keels)\b/g, "NAMESPACE");
  // Kustomize is not part of ours; klog's lines and their times are stock kubectl's own.
  // Addresses of Services are of different lengths, and so are their columns.
  const columns = (each: string): string => (each.includes("CLUSTER-IP") ? each.replaceAll(/ {2,}/g, "  ") : each);
  return { stdout: columns(text(stdout)).replace(/^Kustomize Version: .*\n/m, ""), stderr: text(stderr).replaceAll(/^[IWE]\d{4} [^\]]*\] /gm, ""), code };
}

/** Commands that change something are not run twice, so their ages are of different moments: they count as equal, with the columns they widen. */
function aged(outcome: Outcome): Outcome {
  const { stdout } = outcome;
  if (!/\bAGE\b/.test(stdout)) return outcome;
  return { ...outcome, stdout: stdout.replaceAll(/\b\d+[smhd](\d+[smh])?\b/g, "AGO").replaceAll(/ {2,}/g, "  ") };
}

const triesMax = 3;

/** The same arguments to both; ages may tick between the two, so that a difference counts only when it stays. */
function same(args: readonly string[], stdin = ""): void {
  test(`kubectl ${args.join(" ")}`, { skip }, async () => {
    for (let tries = 1; ; tries++) {
      const [theirs, ours] = [masked(await runStock(args, stdin)), masked(await runOurs(args, stdin))];
      if (tries < triesMax && JSON.stringify(theirs) !== JSON.stringify(ours)) continue;
      assert.deepEqual(ours, theirs);
      return;
    }
  });
}

/** Commands that change something: each client works in a namespace of its own. */
function sameChange(args: readonly string[], stdin = ""): void {
  test(`kubectl ${args.join(" ")}`, { skip }, async () => {
    const theirs = aged(masked(await runStock([...dashed(args, "parity-stock")], stdin)));
    const ours = aged(masked(await runOurs([...dashed(args, "parity-keels")], stdin)));
    assert.deepEqual(ours, theirs);
  });
}
const dashed = (args: readonly string[], namespace: string): readonly string[] => ["-n", namespace, ...args];

const words = (line: string): readonly string[] => line.split(" ");

describe("our kubectl prints what stock kubectl prints", () => {
  before(async () => {
    if (skip !== false) return;
    process.env["TZ"] = "UTC";
    server = await startTestApiServer();
    const setUp = async (args: readonly string[], stdin = ""): Promise<void> => {
      const { code, stderr } = await runOurs(args, stdin);
      assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    };
    for (const namespace of ["default", "parity-stock", "parity-keels"]) {
      if (namespace !== "default") await setUp(["create", "namespace", namespace]);
      await setUp(["create", "serviceaccount", "default", "-n", namespace]);
    }
    await setUp(["create", "-f", file("node.yaml"), "-f", file("pods.yaml")]);
    await setUp(words("run labelled --image=nginx:1 --labels=x=y,a=b"));
    await setUp(words("create deployment web --image=nginx --replicas=2 --port=80"));
    await setUp(words("create configmap data --from-literal=a=b --from-literal=c=<d>"));
    await setUp(words("create secret generic hidden --from-literal=a=b"));
    const { stdout } = await runStock(["patch", "pod", "full", "--subresource=status", "--patch-file", file("pod-status.yaml")], "");
    assert.match(stdout, /patched/);
    const uid = (await runOurs(words("get pod full -o jsonpath={.metadata.uid}"), "")).stdout;
    const event = (name: string, more: object): string => JSON.stringify({
      apiVersion: "v1", kind: "Event", metadata: { name }, involvedObject: { apiVersion: "v1", kind: "Pod", name: "full", namespace: "default", uid, fieldPath: "spec.containers{main}" }, type: "Warning", reason: "BackOff",
      message: "Back-off restarting failed container ", source: { component: "kubelet", host: "n1" }, ...more,
    });
    await setUp(["create", "-f", "-"], event("back-off", { count: 3, firstTimestamp: "2026-01-02T03:04:05Z", lastTimestamp: "2026-01-02T03:04:07Z" }));
    await setUp(["create", "-f", "-"], event("pulled", { type: "Normal", reason: "Pulled", message: "pulled", firstTimestamp: "2026-01-02T03:04:04Z", lastTimestamp: "2026-01-02T03:04:04Z" }));
  });
  after(async () => {
    if (skip === false) await server[Symbol.asyncDispose]();
  });

  describe("get", () => {
    for (const line of [
      "get", "get pods", "get po -o wide", "get pods -A", "get all", "get all -A", "get po,svc", "get nodes -o wide", "get pods --show-labels", "get pods -L x,app", "get pods -l x=y", "get pods -l app!=full --no-headers",
      "get pods -o name", "get pods,svc -o name", "get pods -o yaml", "get pod full -o yaml", "get pod full -o json", "get pods -ojson --show-managed-fields", "get pod full -o kyaml", "get pods -o=json", "get deploy web -oyaml",
      "get pod full plain", "get pod/full svc/kubernetes", "get pod nope", "get pod full nope", "get pod nope --ignore-not-found", "get nope", "get pods nope -o yaml", "get pods/full pods", "get pods -n nowhere", "get pods --foo",
      "get pods -o foo", "get pods --sort-by=.metadata.name", "get pods --sort-by=.metadata.name -o name", "get pods --sort-by=.spec.nope", "get pods --sort-by=.spec.nodeName -o wide", "get pods --chunk-size=1", "get pods -A --chunk-size=2 -o name",
      "get --raw /version", "get --raw /nope", "get pods --field-selector spec.nodeName=n1", "get pods --field-selector=nope=x", "get pods -l =", "get deployments.apps", "get deployments.v1.apps", "get Pod", "get events",
      "get pod full --subresource=status", "get pod full --subresource status -o yaml", "get pods -w -o", "get ns,nodes", "get clusterroles -o name", "get pods --show-labels -o json", "get pods -o wide --no-headers -A",
      "get pods -o jsonpath={.items[*].metadata.name}", "get pods -o jsonpath={.items[0].spec.containers[*].ports}", "get pod full -o jsonpath={.spec}", "get pods -o jsonpath={.items[9].kind}",
      "get pods -o jsonpath={.items[?(@.spec.nodeName==\"n1\")].metadata.name}", "get pods -o jsonpath-as-json={.items[*].metadata.name}", "get pods -o jsonpath={", "get pod full -o jsonpath={.nope}",
      "get pod full -o jsonpath={.nope} --allow-missing-template-keys=false", "get pods -o jsonpath={.items[-1:].metadata.name}", "get pods -o jsonpath={.items[0:2].metadata.name}", "get pod full -o jsonpath={.spec.containers[*]['name','image']}",
      "get pods -o custom-columns=NAME:.metadata.name,IMAGES:.spec.containers[*].image,NONE:.spec.nope", "get pods -o custom-columns=NAME:.metadata.name --no-headers", "get pods -o custom-columns=NAME", "get pods -o custom-columns",
      "get pod full -o go-template={{.metadata.name}}", "get pods -o go-template --template={{len(.items)}}", "get pods -o jsonpath-file=/nope",
    ]) same(words(line));
    same(["get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.name}{'\\t'}{.spec.nodeName}{\"\\n\"}{end}"]);
    same(["get", "pods", "-o", "go-template={{range .items}}{{.metadata.name}} {{range .spec.containers}}{{.image}},{{end}}{{\"\\n\"}}{{end}}"]);
    same(["get", "pods", "--template", "{{range $i, $p := .items}}{{if $i}}, {{end}}{{$p.metadata.name | printf \"%q\"}}{{else}}none{{end}}"]);
    same(["get", "-f", file("pods.yaml")]);
    same(["get", "-f", file("pods.yaml"), "-o", "name"]);
    same(["get", "-f", "-", "-o", "yaml"], readFileSync(file("node.yaml"), "utf8"));
  });

  describe("run", () => {
    for (const line of [
      "run x", "run --image y", "run x --image y --dry-run=client", "run x --image y --dry-run=server", "run x --image y --dry-run", "run x --image y --dry-run=foo", "run x --image=A@", "run x --image y -t", "run x --image y --expose",
      "run x --image y --restart=Foo", "run x --image y --rm", "run x --image y -it --dry-run=client", "run x --image y --env==", "run x --image y --env=1a=b --dry-run=client", "run x --image y --port=a --dry-run=client",
      "run x --image y --image-pull-policy=Foo", "run x --image y --labels=a --dry-run=client", "run x --image y --pod-running-timeout=0s", "run x --image y --pod-running-timeout=x", "run x --image y -o foo",
      "run busybox --image busybox --restart Never --dry-run=client -o yaml -- client", "run x --image y --dry-run=client -o json --env A=b --env=C= --privileged --image-pull-policy=Never --annotations=a=b -- a b",
      "run x --image y --dry-run=client -o yaml --env A=b --port 80 --expose -l a=b", "run x --image y --dry-run=client -o json --port 80 --expose", "run x --image y --dry-run=client -o name", "run x --image y --dry-run=client -n foo -o yaml --command -- sleep 1",
      "run x --image y --dry-run=client -okyaml --command -- sleep 1", "run x --image y --dry-run=server -o yaml", "run x --image y --dry-run=server -o json", "run A_ --image y", "run full --image y", "run x --image y -n nowhere",
      "run x --image y --dry-run=client -o yaml --save-config",
    ]) same(words(line));
    const override = (type: string, text: string): void => same(["run", "x", "--image", "y", "--dry-run=client", "-o", "yaml", `--override-type=${type}`, `--overrides=${text}`]);
    override("merge", '{"apiVersion":"v1","spec":{"nodeName":"n1","containers":[{"name":"z","image":"q"}]}}');
    override("strategic", '{"apiVersion":"v1","spec":{"containers":[{"name":"x","workingDir":"/w"}]}}');
    override("json", '[{"op":"add","path":"/metadata/labels/b","value":"c"}]');
    override("nope", "{}");
    sameChange(words("run made --image=nginx --port=80 --expose --labels=a=b"));
    sameChange(words("run made2 --image=nginx --save-config"));
    sameChange(words("get pods,svc"));
    sameChange(words("get pod made2 -o yaml"));
  });

  describe("describe", () => {
    for (const line of [
      "describe", "describe pod full", "describe pod plain", "describe pods", "describe pod f", "describe pod nope", "describe node n1", "describe node", "describe ns default", "describe svc kubernetes", "describe deploy web", "describe cm data",
      "describe secret hidden", "describe sa default", "describe pod/full svc/kubernetes", "describe pods -l nope=x", "describe nope", "describe pod full --show-events=false", "describe lease -n kube-node-lease", "describe pods -A --show-events=true",
    ]) same(words(line));
  });

  describe("create, apply, delete", () => {
    const manifest = [
      "apiVersion: v1\nkind: Pod\nmetadata: {name: p1, labels: {app: p}}\nspec:\n  containers: [{name: c, image: \"nginx<1>\", resources: {requests: {cpu: 100m}}}]\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm1}\ndata: {a: b}\n",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d1}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: d}}\n  template:\n    metadata: {labels: {app: d}}\n    spec: {containers: [{name: c, image: nginx, env: [{name: A, value: b}, {name: C, value: d}]}]}\n",
    ].join("---\n");
    for (const line of ["create", "create -f /nope", "create cm", "create deployment x", "create ns y --dry-run=client -o json", "create namespace y --dry-run=server", "create cm x --from-literal=a=b --from-literal=c=d --dry-run=server -o yaml",
      "create deployment w --image=a/b:c --image=d --replicas=3 --port=3 --dry-run=client -o yaml", "create deployment w --image=a/b:c --dry-run=client -o json -- sleep 1", "create secret generic x --from-literal=a=b --dry-run=client -o yaml", "create sa x --dry-run=client",
      "create ns default", "apply", "apply -f /nope", "apply x", "apply --server-side --dry-run=client -f -", "delete", "delete pod", "delete pod nope", "delete pods --all -l a=b", "delete pod x --now --grace-period=3", "delete pod x --force --grace-period=3",
      "delete pods -l nope=x", "delete pod full --dry-run=client", "delete pod full --dry-run=server", "delete pod full --dry-run=client -o name", "delete pod full -o yaml", "delete node n1 --dry-run=client -n default", "delete nope x",
      "delete pods --all --dry-run=client", "delete pod full --cascade=foo"]) same(words(line), "");
    same(words("create -f - --dry-run=client"), manifest);
    same(words("create -f - --dry-run=client -o yaml"), manifest);
    same(words("create -f - --dry-run=client -o json"), manifest);
    same(words("create -f - --dry-run=server"), manifest);
    same(words("apply -f - --dry-run=client"), manifest);
    same(words("apply -f - --dry-run=client -o yaml"), manifest);
    same(words("apply -f - --dry-run=server"), manifest);
    for (const bad of ["apiVersion: v1\nkind: Foo\nmetadata: {name: x}\n", "metadata: {name: x}\n", "a: [b\nc: d", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, imag: b}]}\n", "apiVersion: v1\nkind: Pod\nmetadata: {name: X_}\nspec: {}\n",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: other}\n", "", "- a\n"]) {
      same(words("create -f -"), bad);
      same(words("apply -f -"), bad);
      same(words("apply -f - -n default"), bad);
      same(words("create --validate=false -f - --dry-run=server"), bad);
    }
    sameChange(words("apply -f -"), manifest);
    sameChange(words("get pod,cm,deploy -o yaml"));
    sameChange(words("scale deployment d1 --replicas=5"));
    sameChange(words("scale deploy/d1 --replicas=2 --current-replicas=4"));
    sameChange(words("scale deploy/d1 deploy/nope --replicas=2"));
    sameChange(words("scale deploy/d1"));
    sameChange(words("scale pod p1 --replicas=2"));
    sameChange(words("apply -f -"), manifest);
    sameChange(words("apply -f - --dry-run=client"), manifest.replace("a: b", "c: d"));
    sameChange(words("apply -f -"), manifest.replace("a: b", "c: d").replace("replicas: 2", "replicas: 3").replace(", {name: C, value: d}", ""));
    sameChange(words("get cm,deploy -o yaml"));
    sameChange(words("apply -f - -o yaml"), manifest.split("---\n")[1] ?? "");
    sameChange(words("apply --server-side -f -"), manifest.split("---\n")[1] ?? "");
    sameChange(words("apply -f -"), (manifest.split("---\n")[0] ?? "").replace("nginx<1>", "nginx:2"));
    sameChange(words("create cm plain --from-literal=a=b"));
    sameChange(words("apply -f -"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\ndata: {b: c}\n");
    sameChange(words("get cm plain -o yaml"));
    sameChange(words("create -f -"), manifest);
    sameChange(words("delete cm plain"));
    sameChange(words("delete cm plain --ignore-not-found"));
    sameChange(words("delete pod p1 --force"));
    sameChange(words("delete pod made --now"));
    sameChange(words("delete svc -l a=b -o name"));
    sameChange(words("delete pod/made2 cm/nope"));
    sameChange(words("delete -f - --ignore-not-found"), manifest);
    sameChange(words("delete deployments --all"));
  });

  describe("logs, exec, attach", () => {
    for (const line of ["logs", "logs nope", "logs full", "logs full -c nope", "logs full -c init", "logs full --all-containers -c main", "logs -l nope=x", "logs full a b", "logs plain --since=1s --since-time=2026-01-01T00:00:00Z", "logs plain --tail=-2", "logs deploy/web -c x --pod-running-timeout=1s",
      "exec", "exec full", "exec full ls", "exec nope -- ls", "exec full -c nope -- ls", "attach", "attach a b c", "attach nope", "exec a/b/c -- ls"]) same(words(line));
  });

  describe("others", () => {
    for (const line of ["version", "version --client", "version -o foo", "version x", "api-resources", "api-resources -o wide", "api-resources -o name", "api-resources --namespaced=false", "api-resources --api-group=apps", "api-resources --verbs=list,get --sort-by=kind --no-headers",
      "api-resources --sort-by=x", "api-resources x", "api-versions", "config current-context", "config get-contexts", "config get-contexts -o name", "config get-contexts nope", "config get-clusters", "config get-users", "config view", "config view -o json", "config view --minify",
      "config use-context nope", "qqqqqqqq", "get -z", "get --output", "get pods --watch=maybe", "-n", "get pods -n"]) same(words(line));
    test("a change of the kubeconfig leaves the same file", { skip }, async () => {
      const steps = ["config set-context other --cluster=c --user=u --namespace=n", "config use-context other", "config set-context --current --namespace=m", "config set-cluster c --server=https://x:1", "config set-credentials u --token=t", "config rename-context other third",
        "config delete-context third", "config get-contexts", "config set-context", "config delete-context nope", "config rename-context a b", "config delete-user u", "config delete-cluster c"];
      const original = readFileSync(server.kubeconfig, "utf8");
      const outcome = async (run: typeof runOurs): Promise<readonly unknown[]> => {
        const path = join(server.folder, "changed");
        writeFileSync(path, original);
        const told: unknown[] = [];
        for (const step of steps) told.push([step, await run([...words(step), "--kubeconfig", path], ""), readFileSync(path, "utf8")]);
        return told;
      };
      assert.deepEqual(await outcome(runOurs), await outcome(runStock));
    });
  });
});
