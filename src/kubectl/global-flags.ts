import type { Flag } from "./flags.ts";

/** Flags of every command. Those about klog, profiling and caches are taken and change nothing here. */
export const globalFlags: readonly Flag[] = [
  { name: "as", type: "string" }, { name: "as-group", type: "stringArray" }, { name: "as-uid", type: "string" }, { name: "as-user-extra", type: "stringArray" },
  { name: "cache-dir", type: "string" }, { name: "certificate-authority", type: "string" }, { name: "client-certificate", type: "string" }, { name: "client-key", type: "string" },
  { name: "cluster", type: "string" }, { name: "context", type: "string" }, { name: "disable-compression", type: "bool" }, { name: "insecure-skip-tls-verify", type: "bool" },
  { name: "kubeconfig", type: "string" }, { name: "kuberc", type: "string" }, { name: "log-flush-frequency", type: "duration" }, { name: "match-server-version", type: "bool" },
  { name: "namespace", short: "n", type: "string" }, { name: "password", type: "string" }, { name: "profile", type: "string" }, { name: "profile-output", type: "string" },
  { name: "request-timeout", type: "string", default: "0" }, { name: "server", short: "s", type: "string" }, { name: "tls-server-name", type: "string" }, { name: "token", type: "string" },
  { name: "user", type: "string" }, { name: "username", type: "string" }, { name: "v", short: "v", type: "int" }, { name: "vmodule", type: "string" },
  { name: "warnings-as-errors", type: "bool" }, { name: "help", short: "h", type: "bool" },
];

export const filenameFlags: readonly Flag[] = [
  { name: "filename", short: "f", type: "stringSlice" }, { name: "kustomize", short: "k", type: "string" }, { name: "recursive", short: "R", type: "bool" },
];
export const outputFlags: readonly Flag[] = [
  { name: "output", short: "o", type: "string" }, { name: "template", type: "string" }, { name: "allow-missing-template-keys", type: "bool", default: true }, { name: "show-managed-fields", type: "bool" },
];
export const dryRunFlag: Flag = { name: "dry-run", type: "string", default: "none", bare: "unchanged" };
export const selectorFlag: Flag = { name: "selector", short: "l", type: "string" };
export const validateFlag: Flag = { name: "validate", type: "string", default: "strict", bare: "strict" };
export const podTimeoutFlag = (seconds: string): Flag => ({ name: "pod-running-timeout", type: "duration", default: seconds });
