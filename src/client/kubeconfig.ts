import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { yamlPackage } from "../stdx/yaml-package.ts";
import type { Connection } from "./connection.ts";

export interface KubeconfigCluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}
export interface KubeconfigUser {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly "as-groups"?: readonly string[];
  readonly "as-uid"?: string;
  readonly exec?: KubeconfigExec;
}
export interface KubeconfigExec {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
}
export interface KubeconfigContext {
  readonly cluster: string;
  readonly user: string;
  readonly namespace?: string;
}
/** The file as it is written: lists of named entries. Paths in it are relative to the file; `loadKubeconfig` makes them absolute. */
export interface Kubeconfig {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly "current-context"?: string;
  readonly preferences?: Readonly<Record<string, unknown>>;
  readonly clusters?: readonly { readonly name: string; readonly cluster: KubeconfigCluster }[];
  readonly users?: readonly { readonly name: string; readonly user: KubeconfigUser }[];
  readonly contexts?: readonly { readonly name: string; readonly context: KubeconfigContext }[];
}

const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
const execTimeoutMs = 60_000;
const execOutputBytesMax = 1 << 20;

/** The files that kubectl reads: the one named, those in KUBECONFIG, or ~/.kube/config. */
export function kubeconfigPaths(options: { readonly path?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {}): readonly string[] {
  if (options.path !== undefined) return [options.path];
  const listed = ((options.env ?? process.env)["KUBECONFIG"] ?? "").split(delimiter).filter((each) => each !== "");
  return listed.length > 0 ? [...new Set(listed)] : [join(homedir(), ".kube", "config")];
}

export function parseKubeconfig(text: string, options: { readonly folder: string }): Kubeconfig {
  // Those that `keelson up` writes for components are JSON.
  const file = ((text.startsWith("{") ? JSON.parse(text) : yamlPackage().parse(text)) ?? {}) as Kubeconfig;
  const absolute = (path: string | undefined) => (path === undefined || path === "" ? path : resolve(options.folder, path));
  const withPaths = <T extends object>(entry: T, names: readonly (keyof T)[]): T =>
    ({ ...entry, ...Object.fromEntries(names.filter((name) => entry[name] !== undefined).map((name) => [name, absolute(entry[name] as string)])) });
  return {
    ...file,
    clusters: (file.clusters ?? []).map(({ name, cluster }) => ({ name, cluster: withPaths(cluster ?? {}, ["certificate-authority"]) })),
    users: (file.users ?? []).map(({ name, user }) => ({ name, user: withPaths(user ?? {}, ["client-certificate", "client-key", "tokenFile"]) })),
    contexts: file.contexts ?? [],
  };
}

/** Several files are one configuration; of entries with the same name the first counts. Files that do not exist are left out. */
export async function loadKubeconfig(paths: readonly string[] = kubeconfigPaths()): Promise<Kubeconfig> {
  const files: Kubeconfig[] = [];
  for (const path of paths) {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (text !== undefined) files.push(parseKubeconfig(text, { folder: dirname(resolve(path)) }));
  }
  const merged = <T extends { readonly name: string }>(entries: readonly T[]): T[] => [...new Map(entries.toReversed().map((entry) => [entry.name, entry])).values()].toReversed();
  const current = files.map((file) => file["current-context"]).find((name) => name !== undefined && name !== "");
  return {
    apiVersion: "v1", kind: "Config",
    ...(current !== undefined && { "current-context": current }),
    clusters: merged(files.flatMap((file) => file.clusters ?? [])),
    users: merged(files.flatMap((file) => file.users ?? [])),
    contexts: merged(files.flatMap((file) => file.contexts ?? [])),
  };
}

export interface ConnectionChoice {
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
}

/** What a context of the configuration leads to, with all files read and an exec plugin run where one is named. */
export async function connectionOf(config: Kubeconfig, choice: ConnectionChoice = {}): Promise<Connection> {
  const contextName = choice.context ?? config["current-context"];
  const context = config.contexts?.find(({ name }) => name === contextName)?.context;
  if (choice.context !== undefined && !context) throw new Error(`context ${JSON.stringify(choice.context)} does not exist`);
  const [clusterName, userName] = [choice.cluster ?? context?.cluster, choice.user ?? context?.user];
  const cluster = config.clusters?.find(({ name }) => name === clusterName)?.cluster;
  if (clusterName !== undefined && !cluster) throw new Error(`cluster ${JSON.stringify(clusterName)} does not exist`);
  const user = config.users?.find(({ name }) => name === userName)?.user;
  if (choice.user !== undefined && !user) throw new Error(`auth info ${JSON.stringify(choice.user)} does not exist`);

  const certificateAuthority = await textOf(cluster?.["certificate-authority-data"], cluster?.["certificate-authority"]);
  const server = (cluster?.server ?? "http://localhost:8080").replace(/\/+$/, "");
  return {
    server,
    ...(certificateAuthority !== undefined && { certificateAuthority }),
    ...(cluster?.["tls-server-name"] !== undefined && { tlsServerName: cluster["tls-server-name"] }),
    ...(cluster?.["insecure-skip-tls-verify"] === true && { insecureSkipTlsVerify: true }),
    ...(context?.namespace !== undefined && context.namespace !== "" && { namespace: context.namespace }),
    ...(user && (await credentialsOf(user))),
  };
}

async function credentialsOf(user: KubeconfigUser): Promise<Partial<Connection>> {
  const clientCertificate = await textOf(user["client-certificate-data"], user["client-certificate"]);
  const clientKey = await textOf(user["client-key-data"], user["client-key"]);
  return {
    ...(clientCertificate !== undefined && { clientCertificate }),
    ...(clientKey !== undefined && { clientKey }),
    ...(user.token !== undefined && user.token !== "" ? { token: user.token } : user.tokenFile !== undefined ? { tokenFile: user.tokenFile } : {}),
    ...(user.username !== undefined && { username: user.username, password: user.password ?? "" }),
    ...(user.as !== undefined && { impersonate: { user: user.as, ...(user["as-groups"] && { groups: user["as-groups"] }), ...(user["as-uid"] !== undefined && { uid: user["as-uid"] }) } }),
    ...(user.exec && (await runExecPlugin(user.exec))),
  };
}

/** Data counts before a file, as upstream has it. */
async function textOf(data: string | undefined, path: string | undefined): Promise<string | undefined> {
  if (data !== undefined && data !== "") return Buffer.from(data, "base64").toString("utf8");
  return path === undefined || path === "" ? undefined : readFile(path, "utf8");
}

/** Runs a credential plugin (client.authentication.k8s.io) that asks no questions. */
async function runExecPlugin(exec: KubeconfigExec): Promise<Partial<Connection>> {
  const apiVersion = exec.apiVersion ?? "client.authentication.k8s.io/v1";
  const env = {
    ...process.env, ...Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: "ExecCredential", spec: { interactive: false } }),
  };
  const output = await new Promise<string>((resolveOutput, reject) => {
    execFile(exec.command, [...(exec.args ?? [])], { env, timeout: execTimeoutMs, maxBuffer: execOutputBytesMax }, (error, stdout) =>
      error ? reject(new Error(`exec: ${exec.command}: ${error.message}${exec.installHint === undefined ? "" : `\n\n${exec.installHint}`}`, { cause: error })) : resolveOutput(stdout));
  });
  const { status } = JSON.parse(output) as { readonly status?: { readonly token?: string; readonly clientCertificateData?: string; readonly clientKeyData?: string } };
  if (!status) throw new Error(`exec plugin ${exec.command} didn't return a status`);
  return {
    ...(status.token !== undefined && { token: status.token }),
    ...(status.clientCertificateData !== undefined && { clientCertificate: status.clientCertificateData }),
    ...(status.clientKeyData !== undefined && { clientKey: status.clientKeyData }),
  };
}

/** What a pod's mounted service account and environment lead to. */
export async function inClusterConnection(options: { readonly env?: Readonly<Record<string, string | undefined>>; readonly folder?: string } = {}): Promise<Connection> {
  const { env = process.env, folder = serviceAccountFolder } = options;
  const [host, port] = [env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]];
  if (!host || !port) throw new Error("unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined");
  const namespace = await readFile(join(folder, "namespace"), "utf8").catch(() => undefined); // Optional: only a default for commands.
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    certificateAuthority: await readFile(join(folder, "ca.crt"), "utf8"),
    tokenFile: join(folder, "token"),
    ...(namespace !== undefined && { namespace: namespace.trim() }),
  };
}
