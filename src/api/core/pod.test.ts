import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrorText } from "../../apimachinery/field-error.ts";
import type { Container, ContainerStatus, Pod, PodSpec, PodStatus } from "../generated/core-v1.ts";
import { podResource } from "./pod.ts";

const container = (own: Partial<Container> = {}): Container => ({ name: "c", image: "nginx", ...own });
const podWith = (spec: Partial<PodSpec> = {}, own: Partial<Pod> = {}): Pod =>
  podResource.defaults({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" }, spec: { containers: [container()], ...spec }, ...own });
const textsOf = (errors: Iterable<Parameters<typeof fieldErrorText>[0]>): string[] => [...errors].map(fieldErrorText);
const create = (spec: Partial<PodSpec>): string[] => textsOf(podResource.validate(podWith(spec)));

test("defaults of a pod are upstream's", () => {
  assert.deepEqual(podWith({
    containers: [container({ image: "nginx:1.2", ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 } }, resources: { limits: { cpu: "0.5", memory: "1024Mi" } }, env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] })],
    volumes: [{ name: "e" }, { name: "h", hostPath: { path: "/x" } }, { name: "s", secret: { secretName: "s" } }, { name: "t", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } }],
    serviceAccountName: "sa",
  }).spec, {
    containers: [{
      name: "c", image: "nginx:1.2", imagePullPolicy: "IfNotPresent", terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File",
      ports: [{ containerPort: 80, protocol: "TCP" }],
      livenessProbe: { httpGet: { port: 80, path: "/", scheme: "HTTP" }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
      resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } },
      env: [{ name: "A", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }],
    }],
    volumes: [
      { name: "e", emptyDir: {} }, { name: "h", hostPath: { path: "/x", type: "" } }, { name: "s", secret: { secretName: "s", defaultMode: 420 } },
      { name: "t", projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }] } },
    ],
    dnsPolicy: "ClusterFirst", restartPolicy: "Always", securityContext: {}, terminationGracePeriodSeconds: 30, schedulerName: "default-scheduler", enableServiceLinks: true,
    serviceAccountName: "sa", serviceAccount: "sa",
  });
  const once = podWith();
  assert.equal(podResource.defaults(once), once);
  assert.equal(podWith({ hostNetwork: true, containers: [container({ ports: [{ containerPort: 80 }] })] }).spec?.containers[0]?.ports?.[0]?.hostPort, 80);
});

for (const [image, policy] of [
  ["nginx", "Always"], ["nginx:latest", "Always"], ["nginx:1", "IfNotPresent"], ["localhost:5000/a/b", "Always"], ["localhost:5000/a:v1", "IfNotPresent"],
  [`nginx@sha256:${"a".repeat(64)}`, "IfNotPresent"], ["UPPER", "IfNotPresent"], ["registry.k8s.io/pause:3.10", "IfNotPresent"],
] as const) {
  test(`the pull policy of ${image} is ${policy}`, () => assert.equal(podWith({ containers: [container({ image })] }).spec?.containers[0]?.imagePullPolicy, policy));
}

test("a pod without a spec lacks its containers and nothing else", () => {
  const pod = podResource.defaults({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", namespace: "default" } });
  assert.deepEqual(textsOf(podResource.validate(pod)), ["spec.containers: Required value"]);
});

test("a new pod is pending, in its quality-of-service class", () => {
  const status = (resources: Container["resources"]): PodStatus | undefined => podResource.prepareForCreate(podWith({ containers: [container({ ...(resources && { resources }) })] })).status;
  assert.deepEqual(status(undefined), { phase: "Pending", qosClass: "BestEffort" });
  assert.equal(status({ requests: { cpu: "1" } })?.qosClass, "Burstable");
  assert.equal(status({ limits: { cpu: "1", memory: "1Gi" } })?.qosClass, "Guaranteed");
});

for (const [name, spec, expected] of [
  ["a plain pod", {}, []],
  ["no containers", { containers: [] }, ["spec.containers: Required value"]],
  ["no image", { containers: [container({ image: "" })] }, ["spec.containers[0].image: Required value"]],
  ["a name that is no label", { containers: [container({ name: "A.b" })] }, [
    'spec.containers[0].name: Invalid value: "A.b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \'-\', and must start and end with an alphanumeric character (e.g. \'my-name\',  or \'123-abc\', regex used for validation is \'[a-z0-9]([-a-z0-9]*[a-z0-9])?\')',
  ]],
  ["two containers of one name", { containers: [container(), container()] }, ['spec.containers[1].name: Duplicate value: "c"']],
  ["a bad pull policy", { containers: [container({ imagePullPolicy: "Sometimes" })] }, ['spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"']],
  ["a bad restart policy", { restartPolicy: "Maybe" }, ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"']],
  ["ports out of range", { containers: [container({ ports: [{ containerPort: 70000 }] })] }, ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]],
  ["two ports of one name", { containers: [container({ ports: [{ name: "a", containerPort: 1 }, { name: "a", containerPort: 2 }] })] }, ['spec.containers[0].ports[1].name: Duplicate value: "a"']],
  ["two containers on one host port", { containers: [container({ ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }] })] }, ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"']],
  ["a variable from two sources", { containers: [container({ env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] })] }, ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty']],
  ["a field that no variable can have", { containers: [container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.restartPolicy" } } }] })] }, [
    'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.restartPolicy": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
  ]],
  ["a field that does not exist", { containers: [container({ env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "x" } } }] })] }, [
    'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "x": error converting fieldPath: field label not supported: x',
  ]],
  ["requests above limits", { containers: [container({ resources: { limits: { cpu: "1" }, requests: { cpu: "2" } } })] }, ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1']],
  ["a device without limit", { containers: [container({ resources: { requests: { "example.com/gpu": "1" } } })] }, ["spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources"]],
  ["a negative amount", { containers: [container({ resources: { requests: { cpu: "-1" } } })] }, ['spec.containers[0].resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0']],
  ["an unknown resource", { containers: [container({ resources: { requests: { gold: "1" } } })] }, [
    'spec.containers[0].resources.requests[gold]: Invalid value: "gold": must be a standard resource type or fully qualified',
    'spec.containers[0].resources.requests[gold]: Invalid value: "gold": must be a standard resource for containers',
  ]],
  ["a mount of nothing", { containers: [container({ volumeMounts: [{ name: "x", mountPath: "/x" }] })] }, ['spec.containers[0].volumeMounts[0].name: Not found: "x"']],
  ["a probe without a handler", { containers: [container({ livenessProbe: {} })] }, ["spec.containers[0].livenessProbe: Required value: must specify a handler type"]],
  ["a liveness probe with a success threshold", { containers: [container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } })] }, ["spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"]],
  ["two sources of one volume", { volumes: [{ name: "v", emptyDir: {}, hostPath: { path: "/" } }] }, ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]],
  ["a path out of the volume", { volumes: [{ name: "v", configMap: { name: "c", items: [{ key: "k", path: "../x" }] } }] }, ['spec.volumes[0].configMap.items[0].path: Invalid value: "../x": must not contain \'..\'']],
  ["an init container with a probe", { initContainers: [container({ name: "i", livenessProbe: { tcpSocket: { port: 1 } } })] }, ["spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"]],
  ["a toleration of nothing", { tolerations: [{ operator: "Equal", value: "x" }] }, ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"']],
  ["a deadline of zero", { activeDeadlineSeconds: 0 }, ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]],
  ["no name servers", { dnsPolicy: "None" }, ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]],
  ["ephemeral containers at creation", { ephemeralContainers: [{ name: "e", image: "x" }] }, ["spec.ephemeralContainers: Forbidden: cannot be set on create"]],
  ["contradicting privileges", { containers: [container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } })] }, [
    'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
  ]],
] as const satisfies readonly (readonly [string, Partial<PodSpec>, readonly string[]])[]) {
  test(`creating a pod with ${name}`, () => assert.deepEqual(create(spec), expected));
}

test("of a pod's spec only images, deadline, tolerations and gates may change", () => {
  const before = podWith();
  assert.deepEqual(textsOf(podResource.validateUpdate(podWith({ containers: [container({ image: "redis", imagePullPolicy: "Always" })], tolerations: [{ key: "a", operator: "Exists" }] }), before)), []);
  assert.deepEqual(textsOf(podResource.validateUpdate(podWith({ containers: [container(), container({ name: "d" })] }), before)), ["spec.containers: Forbidden: pod updates may not add or remove containers"]);
  const [text = ""] = textsOf(podResource.validateUpdate(podWith({ hostname: "h" }), before));
  assert.match(text, /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`,`spec.initContainers\[\*\].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` \(only additions to existing tolerations\),`spec.terminationGracePeriodSeconds` \(allow it to be set to 1 if it was previously negative\)\n@@/);
  assert.match(text, /\n- "Hostname": "",\n\+ "Hostname": "h",\n/);
});

test("a container that ended does not come back, unless it may be restarted", () => {
  const status = (state: ContainerStatus["state"]): PodStatus => ({ containerStatuses: [{ name: "c", image: "", imageID: "", ready: false, restartCount: 0, ...(state && { state }) }] });
  const ended = status({ terminated: { exitCode: 0 } });
  const running = status({ running: {} });
  const strategy = podResource.subresources["status"];
  const update = (restartPolicy: string): string[] => textsOf(strategy?.validateUpdate({ ...podWith({ restartPolicy }), status: running }, { ...podWith({ restartPolicy }), status: ended }) ?? []);
  assert.deepEqual(update("Always"), []);
  assert.deepEqual(update("Never"), ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]);
  assert.deepEqual(update("OnFailure"), ["status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"]);
});

test("writing status keeps spec, owners and class, and both forms of the address agree", () => {
  const previous = podResource.prepareForCreate(podWith());
  const next = podResource.subresources["status"]?.prepareForUpdate(podResource.defaults({ ...podWith({ hostname: "x" }), status: { phase: "Running", podIPs: [{ ip: "10.0.0.1" }] } }), previous);
  assert.deepEqual(next?.spec, previous.spec);
  assert.deepEqual(next?.status, { phase: "Running", podIPs: [{ ip: "10.0.0.1" }], podIP: "10.0.0.1", qosClass: "BestEffort" });
});

test("grace is the pod's, and none where nothing runs", () => {
  const grace = (nodeName: string, phase: string, requested?: number): number => podResource.gracePeriodSeconds({ ...podWith({ nodeName }), status: { phase } }, requested);
  assert.equal(grace("n", "Running"), 30);
  assert.equal(grace("n", "Running", 5), 5);
  assert.equal(grace("n", "Running", -1), 1);
  assert.equal(grace("", "Pending"), 0);
  assert.equal(grace("n", "Succeeded"), 0);
});

const nowMs = Date.parse("2026-01-01T01:00:00Z");
const row = (spec: Partial<PodSpec>, status: PodStatus, metadata: Partial<Pod["metadata"]> = {}): unknown[] => {
  const pod = { ...podWith(spec), status };
  return podResource.columns.slice(0, 5).map(({ cell }) => cell({ ...pod, metadata: { ...pod.metadata, creationTimestamp: "2026-01-01T00:00:00Z", ...metadata } }, nowMs));
};
const containerStatus = (own: Partial<ContainerStatus>): ContainerStatus => ({ name: "c", image: "", imageID: "", ready: false, restartCount: 0, ...own });
for (const [name, cells, expected] of [
  ["pending", row({}, { phase: "Pending" }), ["p", "0/1", "Pending", "0", "60m"]],
  ["running", row({}, { phase: "Running", containerStatuses: [containerStatus({ ready: true, state: { running: {} } })] }), ["p", "1/1", "Running", "0", "60m"]],
  ["completed", row({}, { phase: "Succeeded", containerStatuses: [containerStatus({ state: { terminated: { exitCode: 0, reason: "Completed" } } })] }), ["p", "0/1", "Completed", "0", "60m"]],
  ["crashing", row({}, { phase: "Running", containerStatuses: [containerStatus({ restartCount: 3, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:58:00Z" } } })] }), ["p", "0/1", "CrashLoopBackOff", "3 (2m ago)", "60m"]],
  ["failed without a reason", row({}, { phase: "Failed", containerStatuses: [containerStatus({ state: { terminated: { exitCode: 3 } } })] }), ["p", "0/1", "ExitCode:3", "0", "60m"]],
  ["initializing", row({ initContainers: [container({ name: "i" })] }, { phase: "Pending", initContainerStatuses: [containerStatus({ name: "i", state: { running: {} } })] }), ["p", "0/1", "Init:0/1", "0", "60m"]],
  ["failing to initialize", row({ initContainers: [container({ name: "i" })] }, { phase: "Pending", initContainerStatuses: [containerStatus({ name: "i", restartCount: 1, state: { terminated: { exitCode: 1, reason: "Error" } } })] }), ["p", "0/1", "Init:Error", "1", "60m"]],
  ["with a sidecar", row({ initContainers: [container({ name: "i", restartPolicy: "Always" })] }, { phase: "Running", initContainerStatuses: [containerStatus({ name: "i", started: true, ready: true, state: { running: {} } })], containerStatuses: [containerStatus({ ready: true, state: { running: {} } })] }), ["p", "2/2", "Running", "0", "60m"]],
  ["going", row({}, { phase: "Running" }, { deletionTimestamp: "2026-01-01T00:59:00Z" }), ["p", "0/1", "Terminating", "0", "60m"]],
  ["gated", row({}, { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }), ["p", "0/1", "SchedulingGated", "0", "60m"]],
] as const) {
  test(`the row of a pod that is ${name}`, () => assert.deepEqual(cells, expected));
}

test("a resize may change CPU and memory, and nothing else", () => {
  const strategy = podResource.subresources["resize"];
  const sized = (cpu: string, own: Partial<Container> = {}): Pod => podResource.prepareForCreate(podWith({ containers: [container({ resources: { requests: { cpu }, limits: { cpu: "4" } }, ...own })] }));
  assert.deepEqual(textsOf(strategy?.validateUpdate(sized("2"), sized("1")) ?? []), []);
  assert.deepEqual(textsOf(strategy?.validateUpdate(sized("1", { image: "x" }), sized("1")) ?? []), ["spec: Forbidden: only cpu and memory resources are mutable"]);
  assert.equal(strategy?.prepareForUpdate(sized("2", { image: "x" }), sized("1")).spec?.containers[0]?.image, "nginx");
});

test("ports and names that are probably not meant are warned about", () => {
  assert.deepEqual(podResource.warningsOnCreate(podWith({ containers: [container({ ports: [{ containerPort: 80 }, { containerPort: 80 }] })] })), ["spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]"]);
});
