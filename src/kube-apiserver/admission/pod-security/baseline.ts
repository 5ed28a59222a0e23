import type { SELinuxOptions, Volume } from "../../../api/generated/core-v1.ts";
import { byContainers, containersOf, namesText, plural, quote, settersText, sorted, type AnyContainer, type PodCheck } from "./pod-check.ts";

const appArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";
const defaultCapabilities: readonly string[] = [
  "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
];
/** Sysctls that concern one pod alone, with the version that allowed them. */
const safeSysctls: Readonly<Record<string, number>> = {
  "kernel.shm_rmid_forced": 0, "net.ipv4.ip_local_port_range": 0, "net.ipv4.tcp_syncookies": 0, "net.ipv4.ping_group_range": 0, "net.ipv4.ip_unprivileged_port_start": 0,
  "net.ipv4.ip_local_reserved_ports": 27, "net.ipv4.tcp_keepalive_time": 29, "net.ipv4.tcp_fin_timeout": 29, "net.ipv4.tcp_keepalive_intvl": 29, "net.ipv4.tcp_keepalive_probes": 29,
  "net.ipv4.tcp_rmem": 32, "net.ipv4.tcp_wmem": 32,
};
const seLinuxTypes: readonly string[] = ["", "container_t", "container_init_t", "container_kvm_t"];
const isKnownProfile = (type: string): boolean => type === "RuntimeDefault" || type === "Localhost";

const addedOf = ({ securityContext }: AnyContainer): readonly string[] => securityContext?.capabilities?.add ?? [];
const hostPortsOf = ({ ports = [] }: AnyContainer): readonly number[] => ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [hostPort]));
const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: AnyContainer): readonly string[] =>
  [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) => [handler?.httpGet?.host ?? "", handler?.tcpSocket?.host ?? ""]).filter((host) => host !== "");

const procMount = byContainers(
  "procMount", ({ securityContext }) => (securityContext?.procMount ?? "Default") !== "Default",
  (who) => `${namesText(who)} must not set securityContext.procMount to ${quote(sorted(who.map(({ securityContext }) => securityContext?.procMount ?? "")))}`,
);
/** The same rule without its exception for pods that have users of their own. */
export const procMountAlways = procMount;

const sysctls = (minor: number): PodCheck["check"] => ({ securityContext }) => {
  const forbidden = (securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !((safeSysctls[name] ?? Infinity) <= minor));
  return forbidden.length === 0 ? undefined : { reason: "forbidden sysctls", detail: forbidden.join(", ") };
};

const seLinux = (types: readonly string[]): PodCheck["check"] => (spec) => {
  const isBad = (options: SELinuxOptions | undefined): boolean => options !== undefined && (!types.includes(options.type ?? "") || (options.user ?? "") !== "" || (options.role ?? "") !== "");
  const podIsBad = isBad(spec.securityContext?.seLinuxOptions);
  const who = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  if (!podIsBad && who.length === 0) return undefined;
  const all = [...(podIsBad ? [spec.securityContext?.seLinuxOptions] : []), ...who.map(({ securityContext }) => securityContext?.seLinuxOptions)];
  const badTypes = sorted(all.map((options) => options?.type ?? "").filter((type) => !types.includes(type)));
  const what = [
    ...(badTypes.length > 0 ? [`${plural(badTypes.length, "type")} ${quote(badTypes)}`] : []),
    ...(all.some((options) => (options?.user ?? "") !== "") ? ["user may not be set"] : []),
    ...(all.some((options) => (options?.role ?? "") !== "") ? ["role may not be set"] : []),
  ];
  return { reason: "seLinuxOptions", detail: `${settersText(podIsBad, who)} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}` };
};

const seccompAnnotation = "seccomp.security.alpha.kubernetes.io/pod";
const isKnownAnnotation = (value: string): boolean => value === "runtime/default" || value === "docker/default" || value.startsWith("localhost/");

/** The level that stops known ways out of a container. In order of their ids, which is the order of messages. */
export const baselineChecks: readonly PodCheck[] = [
  {
    id: "appArmorProfile", level: "baseline", since: 0,
    check(spec, { metadata }) {
      const typeOf = (profile: { readonly type: string } | undefined): string | undefined => (profile && !isKnownProfile(profile.type) ? profile.type : undefined);
      const podType = typeOf(spec.securityContext?.appArmorProfile);
      const who = containersOf(spec).filter(({ securityContext }) => typeOf(securityContext?.appArmorProfile) !== undefined);
      const annotations = Object.entries(metadata.annotations ?? {}).filter(([key, value]) => key.startsWith(appArmorAnnotation) && value !== "" && value !== "runtime/default" && !value.startsWith("localhost/"));
      if (podType === undefined && who.length === 0 && annotations.length === 0) return undefined;
      const values = [
        ...sorted([...(podType === undefined ? [] : [podType]), ...who.map(({ securityContext }) => securityContext?.appArmorProfile?.type ?? "")]),
        ...annotations.map(([key, value]) => `${key}=${JSON.stringify(value)}`).toSorted(),
      ];
      const setters = [settersText(podType !== undefined, who), ...(annotations.length > 0 ? [plural(annotations.length, "annotation")] : [])].filter((text) => text !== "");
      return { reason: plural(values.length, "forbidden AppArmor profile"), detail: `${setters.join(" and ")} must not set AppArmor profile type to ${quote(values)}` };
    },
  },
  {
    id: "capabilities_baseline", level: "baseline", since: 0,
    check: byContainers("non-default capabilities", (container) => addedOf(container).some((name) => !defaultCapabilities.includes(name)), (who) =>
      `${namesText(who)} must not include ${quote(sorted(who.flatMap(addedOf).filter((name) => !defaultCapabilities.includes(name))))} in securityContext.capabilities.add`),
  },
  {
    id: "hostNamespaces", level: "baseline", since: 0,
    check({ hostNetwork, hostPID, hostIPC }) {
      const set = Object.entries({ hostNetwork, hostPID, hostIPC }).filter(([, value]) => value === true).map(([name]) => `${name}=true`);
      return set.length === 0 ? undefined : { reason: "host namespaces", detail: set.join(", ") };
    },
  },
  {
    id: "hostPathVolumes", level: "baseline", since: 0,
    check({ volumes = [] }) {
      const bad = volumes.filter(({ hostPath }: Volume) => hostPath !== undefined);
      return bad.length === 0 ? undefined : { reason: "hostPath volumes", detail: `${plural(bad.length, "volume")} ${quote(bad.map(({ name }) => name))}` };
    },
  },
  {
    id: "hostPorts", level: "baseline", since: 0,
    check: byContainers("hostPort", (container) => hostPortsOf(container).length > 0, (who) => {
      const ports = sorted(who.flatMap(hostPortsOf).map(String));
      return `${namesText(who)} ${plural(who.length, "uses", "use")} ${plural(ports.length, "hostPort")} ${ports.join(", ")}`;
    }),
  },
  {
    id: "hostProbesAndHostLifecycle", level: "baseline", since: 34,
    check: byContainers("probe or lifecycle host", (container) => hostsOf(container).length > 0, (who) => {
      const hosts = sorted(who.flatMap(hostsOf));
      const names = sorted(who.map(({ name }) => name));
      return `${plural(names.length, "container")} ${quote(names)} ${plural(names.length, "uses", "use")} ${plural(hosts.length, "probe or lifecycle host")} ${quote(hosts)}`;
    }),
  },
  {
    id: "privileged", level: "baseline", since: 0,
    check: byContainers("privileged", ({ securityContext }) => securityContext?.privileged === true, (who) => `${namesText(who)} must not set securityContext.privileged=true`),
  },
  { id: "procMount", level: "baseline", since: 0, until: 35, check: procMount },
  { id: "procMount", level: "baseline", since: 35, check: (spec, pod) => (spec.hostUsers === false ? undefined : procMount(spec, pod)) },
  { id: "seLinuxOptions", level: "baseline", since: 0, until: 31, check: seLinux(seLinuxTypes) },
  { id: "seLinuxOptions", level: "baseline", since: 31, check: seLinux([...seLinuxTypes, "container_engine_t"]) },
  {
    id: "seccompProfile_baseline", level: "baseline", since: 0, until: 19,
    check(spec, { metadata: { annotations = {} } }) {
      const keys = [seccompAnnotation, ...containersOf(spec).map(({ name }) => `container.seccomp.security.alpha.kubernetes.io/${name}`)];
      const bad = sorted(keys.filter((key) => annotations[key] !== undefined && !isKnownAnnotation(annotations[key])).map((key) => `${key}=${JSON.stringify(annotations[key])}`));
      return bad.length === 0 ? undefined : { reason: "seccompProfile", detail: `forbidden ${plural(bad.length, "annotation")} ${bad.join(", ")}` };
    },
  },
  {
    id: "seccompProfile_baseline", level: "baseline", since: 19,
    check(spec) {
      const isBad = (profile: { readonly type: string } | undefined): boolean => profile !== undefined && !isKnownProfile(profile.type);
      const podProfile = spec.securityContext?.seccompProfile;
      const who = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seccompProfile));
      if (!isBad(podProfile) && who.length === 0) return undefined;
      const types = sorted([...(isBad(podProfile) ? [podProfile?.type ?? ""] : []), ...who.map(({ securityContext }) => securityContext?.seccompProfile?.type ?? "")]);
      return { reason: "seccompProfile", detail: `${settersText(isBad(podProfile), who)} must not set securityContext.seccompProfile.type to ${quote(types)}` };
    },
  },
  ...[0, 27, 29, 32].map((since, index, all): PodCheck => ({ id: "sysctls", level: "baseline", since, ...(all[index + 1] !== undefined && { until: all[index + 1] as number }), check: sysctls(since) })),
  {
    id: "windowsHostProcess", level: "baseline", since: 0,
    check(spec) {
      const isSet = (context: { readonly windowsOptions?: { readonly hostProcess?: boolean } } | undefined): boolean => context?.windowsOptions?.hostProcess === true;
      const who = containersOf(spec).filter(({ securityContext }) => isSet(securityContext));
      if (!isSet(spec.securityContext) && who.length === 0) return undefined;
      return { reason: "hostProcess", detail: `${settersText(isSet(spec.securityContext), who)} must not set securityContext.windowsOptions.hostProcess=true` };
    },
  },
];
