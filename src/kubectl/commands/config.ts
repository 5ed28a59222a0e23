import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Kubeconfig, KubeconfigCluster, KubeconfigContext, KubeconfigUser } from "../../client/kubeconfig.ts";
import { formatYaml, parseYaml } from "../../apimachinery/yaml.ts";
import type { KubectlCommand } from "../command.ts";
import { ExitError, throwAll, UsageError } from "../errors.ts";
import type { ParsedFlags } from "../flags.ts";
import { outputFlags } from "../global-flags.ts";
import { printerOf, plainFormats } from "../printers/printer.ts";
import type { Json, Session } from "../session.ts";
import { alignColumns, tableColumns } from "../tab-writer.ts";

type Section = "clusters" | "contexts" | "users";
interface Entry {
  readonly name: string;
}

const byName = <T extends Entry>(entries: readonly T[] | undefined): readonly T[] => (entries ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** The file that a change goes to: the one that has the entry, or the first that exists, or the last of the list. */
function fileFor(session: Session, has: (config: Kubeconfig) => boolean): string {
  const paths = session.kubeconfigFiles;
  const existing = paths.filter((path) => existsSync(path));
  return existing.find((path) => has(read(path))) ?? existing[0] ?? paths.at(-1) ?? "";
}
const read = (path: string): Kubeconfig => (existsSync(path) ? ((parseYaml(readFileSync(path, "utf8")) ?? {}) as Kubeconfig) : {});

/** Replaces the file in one step, so that no other program ever sees half of it. */
function write(path: string, config: Kubeconfig): void {
  mkdirSync(dirname(path), { recursive: true });
  const { preferences, ...others } = config;
  const whole = { apiVersion: "v1", clusters: [], contexts: [], "current-context": "", kind: "Config", users: [], ...others, ...(preferences && Object.keys(preferences).length > 0 && { preferences }) };
  const next = `${path}.${process.pid}.next`;
  writeFileSync(next, formatYaml({ ...whole, clusters: byName(whole.clusters), contexts: byName(whole.contexts), users: byName(whole.users) }), { mode: 0o600 });
  renameSync(next, path);
}

const contextOf = (config: Kubeconfig, name: string): KubeconfigContext | undefined => config.contexts?.find((each) => each.name === name)?.context;

function exactly(flags: ParsedFlags, count: number): void {
  if (flags.args.length !== count) throw new UsageError(`unexpected args: [${flags.args.join(" ")}]`);
}

const clusterFields = ["server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data"];
const userFields = ["client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "tokenFile", "as", "as-uid", "as-groups", "username", "password"];
const contextFields = ["cluster", "user", "namespace"];
const inOrder = (entry: object, fields: readonly string[]): object =>
  Object.fromEntries([...fields.filter((field) => Object.hasOwn(entry, field)), ...Object.keys(entry).filter((key) => !fields.includes(key))].map((key) => [key, (entry as Json)[key]]));

const omitted = "DATA+OMITTED";
function redacted(config: Kubeconfig): Json {
  const hide = <T extends object>(entry: T, names: readonly string[], shown: string): T => ({ ...entry, ...Object.fromEntries(names.filter((name) => (entry as Json)[name] !== undefined && (entry as Json)[name] !== "").map((name) => [name, shown])) });
  return {
    ...config,
    clusters: config.clusters?.map(({ name, cluster }) => ({ name, cluster: hide(cluster, ["certificate-authority-data"], omitted) })),
    users: config.users?.map(({ name, user }) => ({ name, user: hide(hide(user, ["client-certificate-data", "client-key-data"], omitted), ["token", "password"], "REDACTED") })),
  };
}

const view: KubectlCommand = {
  use: "config view",
  flags: [...outputFlags, { name: "flatten", type: "bool" }, { name: "merge", type: "bool", default: true }, { name: "minify", type: "bool" }, { name: "raw", type: "bool" }],
  async run(session, flags) {
    let config = await session.kubeconfig();
    if (flags.bool("minify")) {
      const current = flags.text("context") === "" ? (config["current-context"] ?? "") : flags.text("context");
      const context = contextOf(config, current);
      if (!context) throw new Error(current === "" ? "current-context must exist in order to minify" : `cannot locate context ${current}`);
      config = {
        ...config, "current-context": current, contexts: config.contexts?.filter(({ name }) => name === current) ?? [], clusters: config.clusters?.filter(({ name }) => name === context.cluster) ?? [],
        users: config.users?.filter(({ name }) => name === context.user) ?? [],
      };
    }
    const nothing = (list: readonly unknown[] | undefined): unknown => (list === undefined || list.length === 0 ? null : list);
    const sorted = {
      ...config, clusters: byName(config.clusters).map(({ name, cluster }) => ({ name, cluster: inOrder(cluster, clusterFields) as KubeconfigCluster })),
      contexts: byName(config.contexts).map(({ name, context }) => ({ name, context: inOrder(context, contextFields) as KubeconfigContext })), users: byName(config.users).map(({ name, user }) => ({ name, user: inOrder(user, userFields) as KubeconfigUser })),
    };
    const shown = flags.bool("raw") || flags.bool("flatten") ? (sorted as unknown as Json) : redacted(sorted);
    const object: Json = {
      kind: "Config", apiVersion: "v1", ...(config.preferences && Object.keys(config.preferences).length > 0 && { preferences: config.preferences }), clusters: nothing(shown["clusters"] as readonly unknown[]), users: nothing(shown["users"] as readonly unknown[]),
      contexts: nothing(shown["contexts"] as readonly unknown[]), "current-context": config["current-context"] ?? "",
    };
    session.stdout.write(printerOf(flags, { formats: plainFormats, keepOrder: true })?.(object) ?? formatYaml(object));
  },
};

const currentContext: KubectlCommand = {
  use: "config current-context", flags: [],
  async run(session) {
    const current = (await session.kubeconfig())["current-context"] ?? "";
    if (current === "") throw new Error("current-context is not set");
    session.print(current);
  },
};

const getContexts: KubectlCommand = {
  use: "config get-contexts [(-o|--output=)name)]", flags: [{ name: "no-headers", type: "bool" }, { name: "output", short: "o", type: "string" }],
  async run(session, flags) {
    const config = await session.kubeconfig();
    const output = flags.text("output");
    if (output !== "" && output !== "name") throw new Error(`output must be one of '' or 'name': ${output}`);
    const missing = flags.args.filter((name) => !contextOf(config, name)).map((name) => new Error(`context ${name} not found`));
    const shown = byName(config.contexts).filter(({ name }) => flags.args.length === 0 || flags.args.includes(name));
    if (output === "name") for (const { name } of shown) session.print(name);
    else {
      const rows = shown.map(({ name, context }) => [name === config["current-context"] ? "*" : "", name, context.cluster, context.user, context.namespace ?? ""]);
      session.stdout.write(alignColumns([...(flags.bool("no-headers") ? [] : [["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]]), ...rows].map((row) => `${row.join("\t")}\n`).join(""), tableColumns));
    }
    throwAll(missing);
  },
};

const names = (section: Section): KubectlCommand => ({
  use: `config get-${section}`, flags: [],
  async run(session) {
    const entries = byName((await session.kubeconfig())[section] as readonly Entry[] | undefined);
    session.print("NAME");
    for (const { name } of entries) session.print(name);
  },
});

const useContext: KubectlCommand = {
  use: "config use-context CONTEXT_NAME", flags: [],
  async run(session, flags) {
    exactly(flags, 1);
    const [name = ""] = flags.args;
    if (!contextOf(await session.kubeconfig(), name)) throw new Error(`no context exists with the name: ${JSON.stringify(name)}`);
    const path = fileFor(session, (config) => (config["current-context"] ?? "") !== "");
    write(path, { ...read(path), "current-context": name });
    session.print(`Switched to context ${JSON.stringify(name)}.`);
  },
};

/** Changes an entry or makes a new one; says which. */
function setEntry<T extends object>(session: Session, section: Section, field: "cluster" | "context" | "user", name: string, change: T): boolean {
  const path = fileFor(session, (config) => (config[section] as readonly Entry[] | undefined)?.some((each) => each.name === name) ?? false);
  const config = read(path);
  const entries = (config[section] ?? []) as readonly (Entry & Readonly<Record<string, unknown>>)[];
  const old = entries.find((each) => each.name === name);
  write(path, { ...config, [section]: [...entries.filter((each) => each.name !== name), { name, [field]: { ...(old?.[field] as object | undefined), ...change } }] });
  return old !== undefined;
}

const given = (flags: ParsedFlags, fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> => Object.fromEntries(Object.entries(fields).filter(([flag]) => flags.given.has(flag)).map(([flag, field]) => [field, flags.text(flag)]));

const setContext: KubectlCommand = {
  use: "config set-context [NAME | --current]", flags: [{ name: "current", type: "bool" }],
  async run(session, flags) {
    const current = (await session.kubeconfig())["current-context"] ?? "";
    if (flags.bool("current") && flags.args.length > 0) throw new Error("cannot specify both a context name and --current");
    if (flags.bool("current") && current === "") throw new Error("no current context is set");
    if (!flags.bool("current") && flags.args.length !== 1) throw new Error("you must specify a non-empty context name or --current");
    const name = flags.bool("current") ? current : (flags.args[0] ?? "");
    const existed = setEntry<Partial<KubeconfigContext>>(session, "contexts", "context", name, given(flags, { cluster: "cluster", user: "user", namespace: "namespace" }));
    session.print(`Context ${JSON.stringify(name)} ${existed ? "modified" : "created"}.`);
  },
};

const setCluster: KubectlCommand = {
  use: "config set-cluster NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]", flags: [{ name: "embed-certs", type: "bool" }, { name: "proxy-url", type: "string" }],
  async run(session, flags) {
    exactly(flags, 1);
    const [name = ""] = flags.args;
    const { "certificate-authority": authority, ...others } = given(flags, { server: "server", "certificate-authority": "certificate-authority", "tls-server-name": "tls-server-name", "proxy-url": "proxy-url" });
    setEntry<Partial<KubeconfigCluster>>(session, "clusters", "cluster", name, {
      ...others, ...(flags.given.has("insecure-skip-tls-verify") && { "insecure-skip-tls-verify": flags.bool("insecure-skip-tls-verify") }),
      ...(authority !== undefined && (flags.bool("embed-certs") ? { "certificate-authority-data": readFileSync(authority).toString("base64") } : { "certificate-authority": authority })),
    });
    session.print(`Cluster ${JSON.stringify(name)} set.`);
  },
};

const setCredentials: KubectlCommand = {
  use: "config set-credentials NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password]", flags: [{ name: "embed-certs", type: "bool" }],
  async run(session, flags) {
    exactly(flags, 1);
    const [name = ""] = flags.args;
    const { "client-certificate": certificate, "client-key": key, ...others } = given(flags, { token: "token", username: "username", password: "password", "client-certificate": "client-certificate", "client-key": "client-key" });
    const embed = (field: string, path: string | undefined): object => (path === undefined ? {} : flags.bool("embed-certs") ? { [`${field}-data`]: readFileSync(path).toString("base64") } : { [field]: path });
    setEntry<Partial<KubeconfigUser>>(session, "users", "user", name, { ...others, ...embed("client-certificate", certificate), ...embed("client-key", key) });
    session.print(`User ${JSON.stringify(name)} set.`);
  },
};

const deleting = (section: Section, what: string): KubectlCommand => ({
  use: `config delete-${what} NAME`, flags: [],
  async run(session, flags) {
    if (flags.args.length !== 1) throw new ExitError(1, `Usage:\n  ${session.streams.name} config delete-${what} NAME [options]`);
    const [name = ""] = flags.args;
    const path = fileFor(session, (config) => (config[section] as readonly Entry[] | undefined)?.some((each) => each.name === name) ?? false);
    const config = read(path);
    const entries = (config[section] ?? []) as readonly Entry[];
    if (!entries.some((each) => each.name === name)) throw new Error(`cannot delete ${what} ${name}, not in ${path}`);
    if (section === "contexts" && config["current-context"] === name) session.stderr.write("warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n");
    write(path, { ...config, [section]: entries.filter((each) => each.name !== name) });
    session.print(`deleted ${what} ${name} from ${path}`);
  },
});

const renameContext: KubectlCommand = {
  use: "config rename-context CONTEXT_NAME NEW_NAME", flags: [],
  async run(session, flags) {
    exactly(flags, 2);
    const [from = "", to = ""] = flags.args;
    const path = fileFor(session, (config) => contextOf(config, from) !== undefined);
    const config = read(path);
    if (!contextOf(config, from)) throw new Error(`cannot rename the context ${JSON.stringify(from)}, it's not in ${path}`);
    if (contextOf(config, to)) throw new Error(`cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${path}`);
    write(path, {
      ...config, contexts: (config.contexts ?? []).map((each) => (each.name === from ? { ...each, name: to } : each)), ...(config["current-context"] === from && { "current-context": to }),
    });
    session.print(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.`);
  },
};

export const config: KubectlCommand = {
  use: "config SUBCOMMAND", flags: [],
  subcommands: {
    "view": view, "current-context": currentContext, "get-contexts": getContexts, "get-clusters": names("clusters"), "get-users": names("users"), "use-context": useContext, "use": useContext, "set-context": setContext,
    "set-cluster": setCluster, "set-credentials": setCredentials, "delete-context": deleting("contexts", "context"), "delete-cluster": deleting("clusters", "cluster"), "delete-user": deleting("users", "user"), "rename-context": renameContext,
  },
};
