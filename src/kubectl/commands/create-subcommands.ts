import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { KubectlCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Flag, ParsedFlags } from "../flags.ts";
import type { Json } from "../session.ts";
import { changeFlags, createBuilt } from "../requests/create-object.ts";

function nameOf(flags: ParsedFlags): string {
  const count = flags.argsLengthAtDash < 0 ? flags.args.length : flags.argsLengthAtDash;
  if (count !== 1) throw new UsageError(`exactly one NAME is required, got ${count}`);
  return flags.args[0] ?? "";
}

const generator = (use: string, flags: readonly Flag[], build: (name: string, flags: ParsedFlags) => Json, required: readonly string[] = []): KubectlCommand => ({
  use, required, flags: [...changeFlags("kubectl-create"), ...flags],
  run: async (session, parsed) => createBuilt(session, parsed, build(nameOf(parsed), parsed)),
});

const dataFlags: readonly Flag[] = [
  { name: "from-literal", type: "stringArray" }, { name: "from-file", type: "stringSlice" }, { name: "from-env-file", type: "stringSlice" }, { name: "append-hash", type: "bool" },
];

/** Key and bytes of everything that the flags name. */
function dataOf(flags: ParsedFlags): ReadonlyMap<string, Buffer> {
  const data = new Map<string, Buffer>();
  const add = (key: string, value: Buffer): void => {
    if (data.has(key)) throw new Error(`cannot add key ${JSON.stringify(key)}, another key by that name already exists in Data for ConfigMap`);
    data.set(key, value);
  };
  for (const literal of flags.list("from-literal")) {
    const equals = literal.indexOf("=");
    if (equals <= 0) throw new Error(`invalid literal source ${literal}, expected key=value`);
    add(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1).replace(/^(['"])(.*)\1$/s, "$2")));
  }
  for (const source of flags.list("from-file")) {
    const equals = source.indexOf("=");
    const path = source.slice(equals + 1);
    if (equals < 0 && statSync(path).isDirectory()) for (const file of readdirSync(path, { withFileTypes: true })) {
      if (file.isFile()) add(file.name, readFileSync(join(path, file.name)));
    } else add(equals < 0 ? basename(path) : source.slice(0, equals), readFileSync(path));
  }
  for (const path of flags.list("from-env-file")) for (const line of readFileSync(path, "utf8").split("\n")) {
    const text = line.trimStart();
    const equals = text.indexOf("=");
    if (text !== "" && !text.startsWith("#") && equals > 0) add(text.slice(0, equals), Buffer.from(text.slice(equals + 1)));
  }
  return data;
}

const isText = (bytes: Buffer): boolean => bytes.equals(Buffer.from(bytes.toString("utf8")));
const base64Of = (data: ReadonlyMap<string, Buffer>): Json => Object.fromEntries([...data].map(([key, value]) => [key, value.toString("base64")]));

const configMap = generator("create configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]", dataFlags, (name, flags) => {
  const data = dataOf(flags);
  const texts = [...data].filter(([, value]) => isText(value)).map(([key, value]) => [key, value.toString("utf8")] as const);
  const binary = new Map([...data].filter(([, value]) => !isText(value)));
  return {
    kind: "ConfigMap", apiVersion: "v1", metadata: { name }, ...(texts.length > 0 && { data: Object.fromEntries(texts) }), ...(binary.size > 0 && { binaryData: base64Of(binary) }),
  };
});
const namespace = generator("create namespace NAME [--dry-run=server|client|none]", [], (name) => ({ kind: "Namespace", apiVersion: "v1", metadata: { name }, spec: {}, status: {} }));
const serviceAccount = generator("create serviceaccount NAME [--dry-run=server|client|none]", [], (name) => ({ kind: "ServiceAccount", apiVersion: "v1", metadata: { name } }));

const deployment = generator("create deployment NAME --image=image -- [COMMAND] [args...]", [
  { name: "image", type: "stringSlice" }, { name: "replicas", short: "r", type: "int", default: "1" }, { name: "port", type: "int", default: "-1" },
], (name, flags) => {
  const images = flags.list("image");
  const command = flags.argsLengthAtDash < 0 ? [] : flags.args.slice(flags.argsLengthAtDash);
  if (images.length > 1 && command.length > 0) throw new Error("cannot specify multiple --image options and command");
  if (flags.int("replicas") < 0) throw new Error(`invalid replicas: ${flags.int("replicas")}`);
  const port = flags.int("port");
  const containers = images.map((image, index) => ({
    name: (image.split("/").at(-1) ?? "").split(/[:@]/)[0]?.toLowerCase().replace(/[^-a-z0-9]/g, "-") ?? "", image, ...(command.length > 0 && { command }),
    ...(port >= 0 && index === 0 && { ports: [{ containerPort: port }] }), resources: {},
  }));
  const labels = { app: name };
  return {
    kind: "Deployment", apiVersion: "apps/v1", metadata: { name, labels },
    spec: { replicas: flags.int("replicas"), selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } }, strategy: {} }, status: {},
  };
}, ["image"]);

const genericSecret = generator("create secret generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]", [...dataFlags, { name: "type", type: "string" }], (name, flags) => {
  const data = dataOf(flags);
  return { kind: "Secret", apiVersion: "v1", metadata: { name }, ...(data.size > 0 && { data: base64Of(data) }), ...(flags.text("type") !== "" && { type: flags.text("type") }) };
});

/** The simple makers of objects: `create namespace`, `create deployment`, … */
export const createSubcommands: Readonly<Record<string, KubectlCommand>> = {
  configmap: configMap, cm: configMap, namespace, ns: namespace, serviceaccount: serviceAccount, sa: serviceAccount, deployment, deploy: deployment,
  secret: { use: "create secret (docker-registry | generic | tls)", flags: [], subcommands: { generic: genericSecret } },
};
