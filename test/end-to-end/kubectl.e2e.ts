// Stock kubectl with its defaults on everything that it does besides the story: the server's side of each command.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigMap, Pod } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { runProgram } from "../support/programs.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await TestCluster.start({ images: ["busybox", "nginx"] });
});
after(() => cluster?.[Symbol.asyncDispose]());

const kubectl = (...args: readonly string[]) => cluster.kubectl(...args);

test("version, cluster-info, api-resources, api-versions", async () => {
  assert.match(await kubectl("version"), /^Server Version: v1\.36\./m);
  assert.match(await kubectl("cluster-info"), /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:/);
  const resources = await kubectl("api-resources");
  for (const row of [/^pods +po +v1 +true +Pod$/m, /^deployments +deploy +apps\/v1 +true +Deployment$/m, /^nodes +no +v1 +false +Node$/m, /^networkpolicies +netpol +networking\.k8s\.io\/v1 +true +NetworkPolicy$/m]) assert.match(resources, row);
  assert.match(await kubectl("api-versions"), /^rbac\.authorization\.k8s\.io\/v1$/m);
});

test("explain, with fields and their types", async () => {
  assert.match(await kubectl("explain", "pod.spec.containers.image"), /KIND: +Pod\nVERSION: +v1\n\nFIELD: image <string>/);
  assert.match(await kubectl("explain", "deployment.spec", "--recursive"), /replicas\t<integer>/);
});

test("apply, diff, edit, replace, and the last applied configuration", async () => {
  const file = join(cluster.folder, "map.yaml");
  const manifest = (value: string) => writeFileSync(file, `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, labels: {a: b}}\ndata: {key: ${value}, other: kept}\n`);
  manifest("one");
  assert.equal(await kubectl("apply", "-f", file), "configmap/settings created\n");
  manifest("two");
  const diff = await cluster.try(["diff", "-f", file]);
  assert.equal(diff.code, 1);
  assert.match(diff.stdout, /^- +key: one\n\+ +key: two$/m);
  assert.equal(await kubectl("apply", "-f", file), "configmap/settings configured\n");
  assert.equal((await cluster.try(["diff", "-f", file])).code, 0);
  const edited = await cluster.try(["edit", "configmap", "settings"], { env: { ...cluster.env, KUBE_EDITOR: "sed -i s/two/three/" } });
  assert.equal(edited.stdout, "configmap/settings edited\n", edited.stderr);
  assert.equal(await kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.key} {.data.other}"), "three kept");
  writeFileSync(file, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {key: four}\n");
  assert.equal(await kubectl("apply", "-f", file), "configmap/settings configured\n");
  assert.deepEqual((await cluster.get<ConfigMap>("configmap", "settings")).data, { key: "four" });
  assert.equal(await kubectl("replace", "--save-config", "-f", file), "configmap/settings replaced\n");
  assert.match(await kubectl("apply", "view-last-applied", "configmap", "settings"), /key: four/);
  await kubectl("delete", "-f", file);
});

test("server-side apply: owners of fields, conflicts, force", async () => {
  const map = (key: string, value: string) => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "shared" }, data: { [key]: value } });
  const apply = (input: string, manager: string, ...args: readonly string[]) => cluster.try(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-", ...args], { input });
  assert.equal((await apply(map("a", "1"), "one")).stdout, "configmap/shared serverside-applied\n");
  assert.equal((await apply(map("b", "2"), "two")).stdout, "configmap/shared serverside-applied\n");
  const conflict = await apply(map("a", "3"), "two");
  assert.equal(conflict.code, 1);
  assert.match(conflict.stderr, /Apply failed with 1 conflict: conflict with "one": \.data\.a/);
  assert.equal((await apply(map("a", "3"), "two", "--force-conflicts")).code, 0);
  const { data, metadata } = await cluster.get<ConfigMap>("configmap", "shared", "--show-managed-fields");
  assert.deepEqual(data, { a: "3" });
  assert.deepEqual(metadata.managedFields?.map(({ manager, operation }) => [manager, operation]), [["two", "Apply"]]);
  await kubectl("delete", "configmap", "shared");
});

test("patch in three ways, label, annotate, dry runs on the server", async () => {
  await kubectl("create", "deployment", "web", "--image=nginx", "--replicas=0");
  await kubectl("patch", "deployment", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}}}');
  await kubectl("patch", "deployment", "web", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":0},{"op":"add","path":"/spec/template/spec/containers/0/env/-","value":{"name":"B","value":"2"}}]');
  await kubectl("patch", "deployment", "web", "--type=merge", "-p", '{"metadata":{"labels":{"app":null,"new":"yes"}}}');
  assert.equal(await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].env[*].name} {.spec.template.spec.containers[0].image} {.metadata.labels}"), 'A B nginx {"new":"yes"}');
  const failed = await cluster.try(["patch", "deployment", "web", "--type=json", "-p", '[{"op":"test","path":"/spec/replicas","value":7}]']);
  assert.equal(failed.code, 1);
  await kubectl("label", "deployment", "web", "tier=front");
  assert.equal(await kubectl("get", "deployments", "-l", "tier in (front,back),new", "-o", "name"), "deployment.apps/web\n");
  const again = await cluster.try(["label", "deployment", "web", "tier=back"]);
  assert.match(again.stderr, /'tier' already has a value \(front\), and --overwrite is false/);
  await kubectl("annotate", "deployment", "web", "note=x");
  assert.match(await kubectl("delete", "deployment", "web", "--dry-run=server"), /deleted.*\(server dry run\)/);
  assert.match(await kubectl("create", "configmap", "never", "--dry-run=server", "-o", "name"), /configmap\/never/);
  assert.match((await cluster.try(["get", "configmap", "never"])).stderr, /NotFound/);
  await kubectl("delete", "deployment", "web");
});

test("get: all forms of output, sorting, columns, chunks, watch", async () => {
  await Promise.all(["c", "a", "b"].map((name) => kubectl("create", "configmap", name, "--from-literal=k=v")));
  assert.match(await kubectl("get", "configmaps", "--sort-by=.metadata.name", "-o", "custom-columns=N:.metadata.name,V:.data.k", "--field-selector=metadata.name!=kube-root-ca.crt"), /^N +V\na +v\nb +v\nc +v\n$/);
  assert.equal((await kubectl("get", "configmaps", "--chunk-size=1", "-o", "name")).trim().split("\n").length, 4);
  assert.equal(await kubectl("get", "configmap/a", "configmap/b", "-o", "go-template={{range .items}}{{.metadata.name}} {{end}}"), "a b ");
  await using watch = cluster.start("get", "configmaps", "--watch", "--output-watch-events", "--field-selector=metadata.name=a");
  await watch.expect(/ADDED +a +1 /);
  await kubectl("patch", "configmap", "a", "-p", '{"data":{"more":"x"}}');
  await watch.expect(/MODIFIED +a +2 /);
  await kubectl("delete", "configmap", "a", "b", "c");
  await watch.expect(/DELETED +a +2 /);
});

test("wait, for conditions, values and deletion", async () => {
  await using waiting = cluster.start("wait", "pod/later", "--for=create", "--timeout=60s");
  await kubectl("run", "later", "--image=busybox", "--command", "--", "sleep", "1000");
  assert.equal(await waiting.exitCode(), 0, waiting.output);
  await kubectl("wait", "pod/later", "--for=condition=Ready", "--timeout=60s");
  await kubectl("wait", "pod/later", "--for=jsonpath={.status.phase}=Running", "--timeout=60s");
  await using gone = cluster.start("wait", "pod/later", "--for=delete", "--timeout=60s");
  await kubectl("delete", "pod", "later", "--now");
  assert.equal(await gone.exitCode(), 0, gone.output);
});

test("attach, cp, top's answer, proxy, and a pod through the server's proxy", async () => {
  await kubectl("run", "web", "--image=nginx");
  await kubectl("run", "echo", "--image=busybox", "-i", "--restart=Never", "--attach=false", "--command", "--", "sh", "-c", "while read -r line; do echo got $line; done");
  await Promise.all([cluster.ready("web"), cluster.ready("echo")]);
  await using attach = cluster.start("attach", "-i", "echo");
  await until("it echoes", () => {
    attach.send("hello\n");
    return attach.output.includes("got hello");
  });
  const file = join(cluster.folder, "copied");
  writeFileSync(file, "x".repeat(300_000));
  await kubectl("cp", file, "web:/tmp/copied");
  await kubectl("cp", "web:/tmp/copied", `${file}.back`);
  assert.equal(readFileSync(`${file}.back`, "utf8"), readFileSync(file, "utf8"));
  assert.match((await cluster.try(["top", "pods"])).stderr, /Metrics API not available/);
  assert.match(await kubectl("get", "--raw", "/api/v1/namespaces/default/pods/web/proxy/"), /Welcome to nginx!/);
  await using proxy = cluster.start("proxy", "--port=0");
  const [, port] = await proxy.expect(/Starting to serve on 127\.0\.0\.1:(\d+)/);
  assert.equal(((await (await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default/pods/web`)).json()) as Pod).metadata.name, "web");
  await cluster.clear();
});

test("auth: can-i, whoami, another's rights, service accounts' tokens", async () => {
  assert.equal(await kubectl("auth", "can-i", "create", "pods"), "yes\n");
  const no = await cluster.try(["auth", "can-i", "list", "secrets", "--as=jane"]);
  assert.deepEqual([no.code, no.stdout], [1, "no\n"]);
  assert.match(await kubectl("auth", "whoami"), /Username +kubernetes-admin\n/);
  await kubectl("create", "serviceaccount", "robot");
  await kubectl("create", "rolebinding", "robot", "--clusterrole=edit", "--serviceaccount=default:robot");
  assert.equal(await kubectl("auth", "can-i", "delete", "pods", "--as=system:serviceaccount:default:robot"), "yes\n");
  const token = (await kubectl("create", "token", "robot")).trim();
  assert.match(await kubectl("--token", token, "--kubeconfig", await bareKubeconfig(), "auth", "whoami"), /system:serviceaccount:default:robot/);
  assert.match(await kubectl("auth", "can-i", "--list", "--as=system:serviceaccount:default:robot"), /pods +\[\] +\[\] +\[.*create.*\]/);
});

/** The cluster's address without any credentials. */
async function bareKubeconfig(): Promise<string> {
  const file = join(cluster.folder, "bare");
  const server = `https://127.0.0.1:${cluster.spec.apiPort}`;
  const run = (...args: readonly string[]) => runProgram([cluster.kubectlPath, "config", "--kubeconfig", file, ...args], { env: cluster.env });
  await run("set-cluster", "c", `--server=${server}`, `--certificate-authority=${join(cluster.paths.pki, "ca.crt")}`);
  await run("set-context", "c", "--cluster=c");
  await run("use-context", "c");
  return file;
}

test("configuration and secrets in a pod: environment, volumes that follow their source, projected and downward", async () => {
  await kubectl("create", "configmap", "config", "--from-literal=colour=blue", "--from-literal=shape=round");
  await kubectl("create", "secret", "generic", "hidden", "--from-literal=word=sesame");
  await cluster.apply({
    apiVersion: "v1", kind: "Pod", metadata: { name: "reader", labels: { tier: "one" } },
    spec: {
      terminationGracePeriodSeconds: 1, hostname: "named", subdomain: "sub",
      volumes: [
        { name: "config", configMap: { name: "config", items: [{ key: "colour", path: "c/colour" }] } }, { name: "secret", secret: { secretName: "hidden", defaultMode: 0o400 } },
        { name: "all", projected: { sources: [{ downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }, { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu", divisor: "1m" } }] } }, { configMap: { name: "config" } }] } },
      ],
      containers: [{
        name: "c", image: "busybox", command: ["sleep", "1000"], resources: { limits: { cpu: "250m", memory: "64Mi" } }, envFrom: [{ configMapRef: { name: "config" }, prefix: "C_" }],
        env: [{ name: "WORD", valueFrom: { secretKeyRef: { name: "hidden", key: "word" } } }, { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }, { name: "TWICE", value: "$(WORD)-$(WORD)" }, { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory" } } }],
        volumeMounts: [{ name: "config", mountPath: "/config" }, { name: "secret", mountPath: "/secret", readOnly: true }, { name: "all", mountPath: "/all" }],
      }],
    },
  });
  await cluster.ready("reader");
  const { status } = await cluster.get<Pod>("pod", "reader");
  const inside = (script: string) => kubectl("exec", "reader", "--", "sh", "-c", script);
  assert.equal(await inside("echo $C_colour $C_shape $WORD $TWICE $IP $MEM"), `blue round sesame sesame-sesame ${status?.podIP} 67108864\n`);
  assert.equal(await inside("cat /config/c/colour; echo; cat /secret/word; echo; cat /all/cpu; echo; cat /all/labels; echo; cat /all/shape"), 'blue\nsesame\n250\ntier="one"\nround');
  assert.equal(await inside("hostname; hostname -f; stat -L -c %a /secret/word"), "named\nnamed.sub.default.svc.cluster.local\n400\n");
  assert.match(await inside("cat /etc/hosts"), new RegExp(`^${status?.podIP}\\tnamed\\.sub\\.default\\.svc\\.cluster\\.local\\tnamed$`, "m"));
  assert.equal(status?.qosClass, "Guaranteed");
  await kubectl("patch", "configmap", "config", "-p", '{"data":{"colour":"green"}}');
  await until("the volume follows", async () => (await inside("cat /config/c/colour")) === "green", { msMax: 150_000 });
  await kubectl("label", "pod", "reader", "tier=two", "--overwrite");
  await until("the labels follow", async () => (await inside("cat /all/labels")) === 'tier="two"', { msMax: 150_000 });
  const readOnly = await cluster.try(["exec", "reader", "--", "touch", "/secret/x"]);
  assert.match(readOnly.stderr, /Read-only file system/);
  await cluster.clear();
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "waiting" }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", command: ["sleep", "1000"], env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "absent", key: "a" } } }] }] } });
  await until("it says what it waits for", async () => (await cluster.get<Pod>("pod", "waiting")).status?.containerStatuses?.[0]?.state?.waiting?.reason === "CreateContainerConfigError");
  await kubectl("create", "configmap", "absent", "--from-literal=a=b");
  await cluster.ready("waiting");
  await cluster.clear();
});

test("a namespace goes with everything in it", async () => {
  await kubectl("create", "namespace", "short");
  await cluster.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "short" }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "c", image: "busybox", command: ["sleep", "1000"] }] } });
  await kubectl("create", "configmap", "b", "-n", "short");
  await cluster.ready("a", "-n", "short");
  await kubectl("delete", "namespace", "short");
  assert.match((await cluster.try(["get", "namespace", "short"])).stderr, /NotFound/);
  assert.equal((await kubectl("get", "pods,configmaps", "-n", "short", "-o", "name")).trim(), "");
});
