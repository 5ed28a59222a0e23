import type { Pod } from "../../api/generated/core-v1.ts";
import { quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import type { PodSandboxConfig, PortMapping } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { namespaceOptions, seccompProfile } from "../containers/security.ts";
import { cpuQuotaUs, cpuShares, quotaPeriodUs } from "../containers/resources.ts";
import { containersOf, isHostNetwork, nameOf, namespaceOf, specOf, uidOf } from "../pod/pod.ts";
import { sandboxLabels } from "../runtime/labels.ts";
import { podDns, type DnsOptions } from "./dns.ts";
import { podHostname } from "./hosts.ts";

export interface SandboxOptions extends DnsOptions {
  readonly attempt: number;
  readonly cgroupParent: string;
  readonly logDirectory: string;
  readonly seccompDir: string;
}

const protocols = { TCP: "TCP", UDP: "UDP", SCTP: "SCTP" } as const;

function portMappings(pod: Pod): readonly Input<PortMapping>[] {
  if (isHostNetwork(pod)) return [];
  return containersOf(pod).flatMap(({ container, kind }) => (kind === "ephemeral" ? [] : (container.ports ?? []))).map(({ containerPort, hostPort = 0, hostIP = "", protocol = "TCP" }) => ({
    containerPort, hostPort, hostIp: hostIP, protocol: protocols[protocol as keyof typeof protocols] ?? "TCP",
  }));
}

/** Sums over main containers, for runtimes that size a sandbox (virtual machines). */
function sandboxResources(pod: Pod): { readonly cpuShares: number; readonly cpuPeriod: number; readonly cpuQuota: number; readonly memoryLimitInBytes: number } {
  const { containers } = specOf(pod);
  const sum = (of: (container: (typeof containers)[number]) => number): number => containers.reduce((total, container) => total + of(container), 0);
  const limited = (name: string): boolean => containers.every(({ resources }) => resources?.limits?.[name] !== undefined);
  return {
    cpuShares: cpuShares(sum(({ resources }) => quantityMilliValue(resources?.requests?.["cpu"] ?? "0"))),
    cpuPeriod: quotaPeriodUs,
    cpuQuota: limited("cpu") ? cpuQuotaUs(sum(({ resources }) => quantityMilliValue(resources?.limits?.["cpu"] ?? "0"))) : 0,
    memoryLimitInBytes: limited("memory") ? sum(({ resources }) => quantityValue(resources?.limits?.["memory"] ?? "0")) : 0,
  };
}

export function sandboxConfig(pod: Pod, options: SandboxOptions): Input<PodSandboxConfig> {
  const { attempt, cgroupParent, logDirectory, seccompDir, clusterDomain } = options;
  const sc = specOf(pod).securityContext ?? {};
  const privileged = containersOf(pod).some(({ container, kind }) => kind !== "ephemeral" && container.securityContext?.privileged === true);
  const { hostname, domain } = podHostname(pod, clusterDomain);
  return {
    metadata: { name: nameOf(pod), namespace: namespaceOf(pod), uid: uidOf(pod), attempt },
    // A pod in the node's network has the node's name, which cannot be set; one that wants its whole name as its host name gets it.
    hostname: isHostNetwork(pod) ? "" : specOf(pod).setHostnameAsFQDN === true && domain !== "" ? `${hostname}.${domain}` : hostname,
    logDirectory,
    dnsConfig: podDns(pod, options),
    portMappings: portMappings(pod),
    labels: sandboxLabels(pod),
    annotations: pod.metadata.annotations ?? {},
    linux: {
      cgroupParent,
      sysctls: Object.fromEntries((sc.sysctls ?? []).map(({ name, value }) => [name.replaceAll("/", "."), value])),
      resources: sandboxResources(pod),
      securityContext: {
        privileged,
        namespaceOptions: namespaceOptions(pod),
        seccomp: privileged ? { profileType: "Unconfined" } : seccompProfile(sc.seccompProfile ?? { type: "RuntimeDefault" }, seccompDir),
        ...(sc.runAsUser !== undefined && { runAsUser: { value: sc.runAsUser } }),
        ...(sc.runAsGroup !== undefined && { runAsGroup: { value: sc.runAsGroup } }),
        supplementalGroups: [...(sc.fsGroup === undefined ? [] : [sc.fsGroup]), ...(sc.supplementalGroups ?? [])],
        supplementalGroupsPolicy: sc.supplementalGroupsPolicy === "Strict" ? "Strict" : "Merge",
      },
    },
  };
}
