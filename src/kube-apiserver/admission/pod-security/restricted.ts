import type { PodSpec, Volume } from "../../../api/generated/core-v1.ts";
import { procMountAlways } from "./baseline.ts";
import { byContainers, containersOf, namesText, plural, quote, settersText, sorted, type AnyContainer, type PodCheck } from "./pod-check.ts";

const allowedVolumes: readonly string[] = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];
const isKnownProfile = (type: string): boolean => type === "RuntimeDefault" || type === "Localhost";

const isWindows = ({ os }: PodSpec): boolean => os?.name === "windows";
/** Since 1.25 a rule that makes no sense on Windows leaves pods alone that say they are for it. */
const notOnWindows = (id: string, since: number, check: PodCheck["check"], overrides?: string): readonly PodCheck[] => {
  const facts = { id, level: "restricted" as const, ...(overrides !== undefined && { overrides }) };
  return [{ ...facts, since, until: 25, check }, { ...facts, since: 25, check: (spec, pod) => (isWindows(spec) ? undefined : check(spec, pod)) }];
};
/** Since 1.35 root inside of a pod's own user namespace is nobody outside of it. */
const notInUserNamespaces = (id: string, since: number, check: PodCheck["check"]): readonly PodCheck[] => [
  { id, level: "restricted", since, until: 35, check }, { id, level: "restricted", since: 35, check: (spec, pod) => (spec.hostUsers === false ? undefined : check(spec, pod)) },
];

const kindOf = (volume: Volume): string => Object.keys(volume).find((key) => key !== "name") ?? "unknown";

const capabilities: PodCheck["check"] = (spec) => {
  const keeping = containersOf(spec).filter(({ securityContext }) => !(securityContext?.capabilities?.drop ?? []).includes("ALL"));
  const forbiddenOf = ({ securityContext }: AnyContainer): readonly string[] => (securityContext?.capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
  const adding = containersOf(spec).filter((container) => forbiddenOf(container).length > 0);
  const details = [
    ...(keeping.length > 0 ? [`${namesText(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${namesText(adding)} must not include ${quote(sorted(adding.flatMap(forbiddenOf)))} in securityContext.capabilities.add`] : []),
  ];
  return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
};

const runAsNonRoot: PodCheck["check"] = (spec) => {
  const reason = "runAsNonRoot != true";
  const ofPod = spec.securityContext?.runAsNonRoot;
  const denying = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsNonRoot === false);
  if (ofPod === false || denying.length > 0) return { reason, detail: `${settersText(ofPod === false, denying)} must not set securityContext.runAsNonRoot=false` };
  const silent = ofPod === true ? [] : containersOf(spec).filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length === 0 ? undefined : { reason, detail: `pod or ${namesText(silent)} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: PodCheck["check"] = (spec) => {
  const podIsRoot = spec.securityContext?.runAsUser === 0;
  const who = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  return !podIsRoot && who.length === 0 ? undefined : { reason: "runAsUser=0", detail: `${settersText(podIsRoot, who)} must not set runAsUser=0` };
};

const seccomp: PodCheck["check"] = (spec) => {
  const reason = "seccompProfile";
  const ofPod = spec.securityContext?.seccompProfile;
  const podIsBad = ofPod !== undefined && !isKnownProfile(ofPod.type);
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.seccompProfile && !isKnownProfile(securityContext.seccompProfile.type));
  if (podIsBad || bad.length > 0) {
    const types = sorted([...(podIsBad ? [ofPod.type] : []), ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type ?? "")]);
    return { reason, detail: `${settersText(podIsBad, bad)} must not set securityContext.seccompProfile.type to ${quote(types)}` };
  }
  const silent = ofPod ? [] : containersOf(spec).filter(({ securityContext }) => !securityContext?.seccompProfile);
  return silent.length === 0 ? undefined : { reason, detail: `pod or ${namesText(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"` };
};

/** What the level of hardened pods demands beyond the baseline. In order of their ids. */
export const restrictedChecks: readonly PodCheck[] = [
  ...notOnWindows("allowPrivilegeEscalation", 8, byContainers(
    "allowPrivilegeEscalation != false", ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false, (who) => `${namesText(who)} must set securityContext.allowPrivilegeEscalation=false`,
  )),
  ...notOnWindows("capabilities_restricted", 22, capabilities, "capabilities_baseline"),
  { id: "procMount_restricted", level: "restricted", since: 35, overrides: "procMount", check: procMountAlways },
  {
    id: "restrictedVolumes", level: "restricted", since: 0, overrides: "hostPathVolumes",
    check({ volumes = [] }) {
      const bad = volumes.filter((volume) => !allowedVolumes.includes(kindOf(volume)));
      const kinds = sorted(bad.map(kindOf));
      return bad.length === 0 ? undefined : {
        reason: "restricted volume types",
        detail: `${plural(bad.length, "volume")} ${quote(bad.map(({ name }) => name))} ${plural(bad.length, "uses", "use")} ${plural(kinds.length, "restricted volume type")} ${quote(kinds)}`,
      };
    },
  },
  ...notInUserNamespaces("runAsNonRoot", 0, runAsNonRoot),
  ...notInUserNamespaces("runAsUser", 23, runAsUser),
  ...notOnWindows("seccompProfile_restricted", 19, seccomp, "seccompProfile_baseline"),
];
