import { strict as assert } from "node:assert";
import { test } from "node:test";
import { deployments } from "../../../api/generated/apps-v1.ts";
import { namespaces, pods } from "../../../api/generated/core-v1.ts";
import type { KubeObject } from "../../../apimachinery/object.ts";
import { clusterOf } from "../../authorization/fixture.ts";
import { admit, requestOf } from "../fixture.ts";
import { podSecurity } from "./pod-security.ts";

const namespace = (name: string, labels: Record<string, string>): KubeObject => ({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels: Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value])) } });
const cluster = clusterOf(
  namespace("open", {}), namespace("baseline", { enforce: "baseline" }), namespace("restricted", { enforce: "restricted" }),
  namespace("old", { enforce: "restricted", "enforce-version": "v1.18" }), namespace("typo", { enforce: "strict" }),
  namespace("warned", { enforce: "baseline", warn: "restricted", "warn-version": "v1.18" }),
);
const plugins = [podSecurity(cluster)];
const pod = (where: string, spec: object = {}, container: object = {}) => requestOf(pods, { metadata: { namespace: where, name: "p" }, spec: { containers: [{ name: "c", image: "i", ...container }], ...spec } });
const hardened = { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } } };

test("what is allowed", async () => {
  for (const request of [
    pod("open", { hostNetwork: true }), pod("baseline"), pod("baseline", { volumes: [{ name: "v", nfs: {} }] }), pod("restricted", {}, hardened),
    pod("restricted", { securityContext: { runAsNonRoot: true, seccompProfile: { type: "Localhost" } } }, { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } } }),
    pod("restricted", { hostUsers: false }, { securityContext: { ...hardened.securityContext, runAsNonRoot: false, runAsUser: 0 } }),
  ]) await admit(plugins, request);
});

const refused: readonly (readonly [ReturnType<typeof pod>, string])[] = [
  [pod("restricted"),
    'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'],
  [pod("baseline", { hostNetwork: true, hostPID: true, volumes: [{ name: "v", hostPath: { path: "/" } }] }, { securityContext: { privileged: true, capabilities: { add: ["SYS_ADMIN"] } }, ports: [{ containerPort: 80, hostPort: 80 }] }),
    'violates PodSecurity "baseline:latest": non-default capabilities (container "c" must not include "SYS_ADMIN" in securityContext.capabilities.add), host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume "v"), hostPort (container "c" uses hostPort 80), privileged (container "c" must not set securityContext.privileged=true)'],
  [pod("baseline", { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }], seLinuxOptions: { type: "spc_t", user: "u" }, seccompProfile: { type: "Unconfined" } } }),
    'violates PodSecurity "baseline:latest": seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set), seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined"), forbidden sysctls (kernel.msgmax)'],
  [pod("restricted", { volumes: [{ name: "v", hostPath: { path: "/" } }, { name: "w", nfs: {} }] }, hardened),
    'violates PodSecurity "restricted:latest": restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")'],
  [pod("old"),
    'violates PodSecurity "restricted:v1.18": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)'],
  [pod("typo", { hostIPC: true }, hardened), 'violates PodSecurity "restricted:latest": host namespaces (hostIPC=true)'],
  [pod("baseline", {}, { livenessProbe: { httpGet: { host: "10.0.0.1", port: 1 } } }), 'violates PodSecurity "baseline:latest": probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")'],
];
for (const [request, text] of refused) test(text.slice(0, 120), () => assert.rejects(admit(plugins, request), { message: `pods "p" is forbidden: ${text}` }));

test("updates that change no container are let through, others are checked", async () => {
  const request = pod("restricted");
  const oldObject = request.object as KubeObject;
  await admit(plugins, { ...request, operation: "UPDATE", oldObject });
  const next = pod("restricted", {}, { image: "other" });
  await assert.rejects(admit(plugins, { ...next, operation: "UPDATE", oldObject }), { reason: "Forbidden" });
});

test("labels of a namespace must name a level and a version", async () => {
  await admit(plugins, requestOf(namespaces, namespace("x", { enforce: "baseline", "warn-version": "v1.30", audit: "restricted" })));
  await assert.rejects(admit(plugins, requestOf(namespaces, namespace("x", { enforce: "strict", "warn-version": "1.30" }))), {
    message: 'Namespace "x" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "1.30": must be "latest" or "v1.x"]',
  });
});

test("what only warns is told, also for templates of pods", async () => {
  const said = async (request: ReturnType<typeof pod>): Promise<readonly string[]> => {
    const texts: string[] = [];
    await admit(plugins, { ...request, warn: (text) => void texts.push(text) });
    return texts;
  };
  const template = (where: string) => requestOf(deployments, { metadata: { namespace: where, name: "d" }, spec: { template: { spec: { hostPID: true, containers: [{ name: "c", image: "i" }] } } } });
  const restricted = 'would violate PodSecurity "restricted:v1.18": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)';
  assert.deepEqual(await said(pod("warned")), [restricted]);
  assert.deepEqual(await said(template("baseline")), ['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']);
  assert.deepEqual(await said(template("open")), []);
  assert.deepEqual(await said(pod("baseline")), []);
});
