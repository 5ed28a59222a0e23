import type { Pod } from "../../api/generated/core-v1.ts";
import { applyMergePatch } from "../../apimachinery/patch/merge-patch.ts";
import { patchWithJsonPatch } from "../../apimachinery/patch/json-patch.ts";
import { isConnectionError } from "../../client/connection-error.ts";
import { envVarNameErrors } from "../../apimachinery/validation.ts";
import { parseYaml } from "../../apimachinery/yaml.ts";
import { withTimeout } from "../../stdx/abort.ts";
import { ExitError, messageOf, UsageError } from "../errors.ts";
import type { KubectlCommand } from "../command.ts";
import type { ServedResource } from "../discovery.ts";
import type { ParsedFlags } from "../flags.ts";
import { dryRunFlag, outputFlags, podTimeoutFlag } from "../global-flags.ts";
import { withLastAppliedInOrder } from "../last-applied.ts";
import { changePrinter, dryRunOf, operationOf, type DryRun } from "../printers/printer.ts";
import { chosenContainer, streamLog, waitForPod } from "../requests/pods.ts";
import type { Json, Session } from "../session.ts";
import { inTypedOrder } from "../typed-order.ts";
import { attachTo } from "./attach.ts";
import { createObject } from "../requests/create-object.ts";
import { cascadeOf, deleteFlags, deleteObjects } from "./delete.ts";

const preAttachLogsTimeoutMs = 5_000;
/** The grammar of references to images, in the parts that a name can break. */
const domainPart = String.raw`(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])`;
const domain = String.raw`(?:${domainPart}(?:\.${domainPart})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?`;
const pathPart = String.raw`[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*`;
const imagePattern = new RegExp(String.raw`^(?:${domain}/)?${pathPart}(?:/${pathPart})*(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`);

interface Created {
  readonly mapping: ServedResource;
  readonly object: Json;
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split(",").map((pair) => {
    const parts = pair.split("=");
    if (parts.length !== 2) throw new Error(`unexpected label spec: ${pair}`);
    if (parts[0] === "") throw new Error("unexpected empty label key");
    return [parts[0] ?? "", parts[1] ?? ""];
  }));
}

function envOf(values: readonly string[]): readonly { readonly name: string; readonly value?: string }[] {
  return values.map((text) => {
    const equals = text.indexOf("=");
    const name = text.slice(0, Math.max(0, equals));
    if (equals < 1 || envVarNameErrors(name).length > 0) throw new Error(`invalid env: ${text}`);
    const value = text.slice(equals + 1);
    return { name, ...(value !== "" && { value }) };
  });
}

function annotationsOf(values: readonly string[]): Readonly<Record<string, string>> {
  const bad = values.filter((text) => text.indexOf("=") < 1);
  if (bad.length > 0) throw new Error(`invalid annotations format: ${bad.join(", ")}`);
  return Object.fromEntries(values.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]));
}

function portOf(text: string): number | undefined {
  if (text === "") return undefined;
  if (!/^[-+]?\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** The pod that the flags describe, fields in the order in which kubectl writes them. */
export function podOf(name: string, args: readonly string[], flags: ParsedFlags): Json {
  const env = envOf(flags.list("env"));
  const annotations = annotationsOf(flags.list("annotations"));
  const labels = flags.text("labels") === "" ? { run: name } : labelsOf(flags.text("labels"));
  const port = portOf(flags.text("port"));
  const [stdin, tty] = [flags.bool("stdin"), flags.bool("tty")];
  const pullPolicy = flags.text("image-pull-policy");
  return {
    kind: "Pod", apiVersion: "v1",
    metadata: { name, labels, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: {
      containers: [{
        name, image: flags.text("image"), ...(args.length > 0 && (flags.bool("command") ? { command: args } : { args })), ...(port !== undefined && { ports: [{ containerPort: port }] }),
        ...(env.length > 0 && { env }), resources: {}, ...(pullPolicy !== "" && { imagePullPolicy: pullPolicy }), ...(flags.bool("privileged") && { securityContext: { privileged: true } }),
        ...(stdin && { stdin: true }), ...(stdin && !flags.bool("leave-stdin-open") && { stdinOnce: true }), ...(tty && { tty: true }),
      }],
      restartPolicy: flags.text("restart") === "" ? "Always" : flags.text("restart"), dnsPolicy: "ClusterFirst",
    },
    status: {},
  };
}

function serviceOf(name: string, flags: ParsedFlags): Json {
  const labels = flags.text("labels") === "" ? undefined : labelsOf(flags.text("labels"));
  const port = portOf(flags.text("port")) ?? 0;
  return {
    kind: "Service", apiVersion: "v1", metadata: { name, ...(labels && { labels }) },
    spec: { ports: [{ protocol: "TCP", port, targetPort: port }], selector: labels ?? { run: name } }, status: { loadBalancer: {} },
  };
}

/** Containers always have the field of their resources when kubectl prints them. */
function withResources(object: Json): Json {
  const spec = object["spec"] as { readonly containers?: readonly Json[] } | undefined;
  return { ...object, spec: { ...spec, ...(spec?.containers && { containers: spec.containers.map((container) => ({ ...container, resources: container["resources"] ?? {} })) }) } };
}

/** `--overrides`, applied to the pod as JSON patch, merge patch or strategic merge patch. */
async function overridden(object: Json, flags: ParsedFlags): Promise<Json> {
  const text = flags.text("overrides");
  if (text === "") return object;
  let overrides: unknown;
  try {
    overrides = parseYaml(text);
  } catch (error) {
    throw new Error(`error parsing overrides: ${messageOf(error)}`, { cause: error });
  }
  switch (flags.text("override-type")) {
    case "json": return patchWithJsonPatch(object, overrides) as Json;
    case "merge": return withResources(applyMergePatch(object, overrides) as Json);
    case "strategic": {
      const [{ applyStrategicMergePatch }, { schemas }] = await Promise.all([import("../../apimachinery/patch/strategic-merge-patch.ts"), import("../../api/schemas.ts")]);
      const schema = schemas.kind("", "v1", "Pod");
      if (!schema) throw new Error("the shape of v1 Pod is not known");
      return applyStrategicMergePatch(object, overrides, schema, schemas);
    }
    default: throw new Error(`invalid override type: ${flags.text("override-type")}`);
  }
}

function check(flags: ParsedFlags, dryRun: DryRun, attach: boolean): void {
  if (flags.args.length === 0 || flags.argsLengthAtDash === 0) throw new UsageError("NAME is required for run");
  if (flags.durationMs("pod-running-timeout") <= 0) throw new UsageError("--pod-running-timeout must be higher than zero");
  const image = flags.text("image");
  if (image === "") throw new Error("--image is required");
  if (!imagePattern.test(image)) throw new Error(`Invalid image name ${JSON.stringify(image)}: invalid reference format`);
  if (flags.bool("tty") && !flags.bool("stdin")) throw new UsageError("-i/--stdin is required for containers with -t/--tty=true");
  if (flags.bool("expose") && flags.text("port") === "") throw new UsageError("--port must be set when exposing a service");
  if (!["", "Always", "OnFailure", "Never"].includes(flags.text("restart"))) throw new UsageError(`invalid restart policy: ${flags.text("restart")}`);
  if (!attach && flags.bool("rm")) throw new UsageError("--rm should only be used for attached containers");
  if (attach && dryRun !== "none") throw new UsageError("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)");
  if (!["", "Always", "IfNotPresent", "Never"].includes(flags.text("image-pull-policy"))) throw new UsageError(`invalid image pull policy: ${flags.text("image-pull-policy")}`);
}

/** Follows the new pod: what it printed, then a session with it, then its end. */
async function followPod(session: Session, pod: Pod, flags: ParsedFlags): Promise<void> {
  const timeoutMs = flags.durationMs("pod-running-timeout");
  const { namespace = "", name = "" } = pod.metadata;
  const quiet = flags.bool("quiet");
  const query = { fieldSelector: `metadata.name=${name}` };
  const done = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
  const running = await waitForPod(session, { namespace, query, timeoutMs, until: (each) => done(each) || (each.status?.phase === "Running" && (each.status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True")) });
  const { container } = chosenContainer(session, running, "", quiet);
  const logs = (signal: AbortSignal): Promise<void> => streamLog(session, running, { container: container.name }, (chunk) => session.stdout.write(chunk), signal);
  if (done(running)) await logs(session.signal);
  else {
    try {
      await withTimeout(logs, { clock: session.streams.clock, timeoutMs: preAttachLogsTimeoutMs, message: "context deadline exceeded", signal: session.signal });
    } catch (error) {
      session.signal.throwIfAborted();
      session.warn(`warning: couldn't fetch pre-attach logs: ${messageOf(error)}`);
    }
    try {
      await attachTo(session, running, { stdin: flags.bool("stdin"), tty: flags.bool("tty"), quiet, container: "", detachKeys: flags.text("detach-keys") });
    } catch (error) {
      session.signal.throwIfAborted();
      session.warn(`warning: couldn't attach to pod/${name}, falling back to streaming logs: ${isConnectionError(error) ? error.message : messageOf(error)}`);
      await logs(session.signal);
    }
  }
  const restart = flags.text("restart");
  if (flags.bool("leave-stdin-open") || (restart !== "Never" && restart !== "OnFailure")) return;
  const ended = await waitForPod(session, { namespace, query, timeoutMs, until: restart === "OnFailure" ? ({ status }) => status?.phase === "Succeeded" : done });
  if (ended.status?.phase !== "Failed") return;
  const terminated = ended.status.containerStatuses?.[0]?.state?.terminated;
  if (!terminated || !terminated.exitCode) throw new Error(`pod ${namespace}/${name} failed with unknown exit code`);
  throw new ExitError(terminated.exitCode, `pod ${namespace}/${name} terminated (${terminated.reason ?? ""})\n${terminated.message ?? ""}`);
}

export const run: KubectlCommand = {
  use: "run NAME --image=image [--env=\"key=value\"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]",
  required: ["image"],
  flags: [
    ...deleteFlags, ...outputFlags, dryRunFlag, podTimeoutFlag("1m0s"), { name: "annotations", type: "stringArray" }, { name: "attach", type: "bool" }, { name: "command", type: "bool" },
    { name: "detach-keys", type: "string", default: "ctrl-p,ctrl-q" }, { name: "env", type: "stringArray" }, { name: "expose", type: "bool" }, { name: "field-manager", type: "string", default: "kubectl-run" },
    { name: "image", type: "string" }, { name: "image-pull-policy", type: "string" }, { name: "labels", short: "l", type: "string" }, { name: "leave-stdin-open", type: "bool" },
    { name: "override-type", type: "string", default: "merge" }, { name: "overrides", type: "string" }, { name: "port", type: "string" }, { name: "privileged", type: "bool" }, { name: "quiet", short: "q", type: "bool" },
    { name: "restart", type: "string", default: "Always" }, { name: "rm", type: "bool" }, { name: "save-config", type: "bool" }, { name: "stdin", short: "i", type: "bool" }, { name: "tty", short: "t", type: "bool" },
  ],
  async run(session, flags) {
    const dryRun = dryRunOf(flags, (line) => session.warn(line));
    const attach = flags.bool("attach") || (!flags.given.has("attach") && flags.bool("stdin"));
    const print = changePrinter(flags, operationOf("created", dryRun), { keepOrder: true });
    check(flags, dryRun, attach);
    const [name = "", ...args] = flags.args;
    const { namespace, explicit } = await session.namespace();
    const resources = async (kind: string): Promise<ServedResource> => {
      const mapping = (await session.discovery()).ofKind("", "v1", kind);
      if (!mapping) throw new Error(`no matches for kind ${JSON.stringify(kind)} in version "v1"`);
      return mapping;
    };
    const make = async (built: Json): Promise<Created> => {
      const mapping = await resources(String(built["kind"]));
      const object = flags.bool("save-config") && dryRun !== "client" ? withLastAppliedInOrder(built) : built;
      if (dryRun === "client") return { mapping, object: explicit ? { ...object, metadata: { ...(object["metadata"] as Json), namespace } } : object };
      return { mapping, object: await createObject(session, mapping, namespace, object, { dryRun, fieldManager: flags.text("field-manager") }) };
    };
    const created: Created[] = [await make(await overridden(podOf(name, args, flags), flags))];
    const errors: unknown[] = [];
    if (flags.bool("expose")) {
      try {
        const service = await make(serviceOf(name, flags));
        session.stdout.write(print(inTypedOrder(service.object)));
        if (flags.text("output") === "yaml") session.print("---");
        created.push(service);
      } catch (error) {
        errors.push(error);
      }
    }
    const pod = created[0]?.object;
    if (!pod) throw new Error("no pod was made");
    if (!attach) {
      session.stdout.write(print(inTypedOrder(pod)));
      if (errors.length > 0) throw errors[0];
      return;
    }
    try {
      await followPod(session, pod as unknown as Pod, flags);
    } finally {
      if (flags.bool("rm")) {
        const doomed = created.map(({ mapping, object }) => ({ mapping, namespace, name: (object["metadata"] as { readonly name?: string }).name ?? name, source: "" }));
        await deleteObjects(session, doomed, { gracePeriod: -1, cascade: cascadeOf(flags.text("cascade")), dryRun: "none", ignoreNotFound: true, wait: false, timeoutMs: 0, quiet: flags.bool("quiet"), nameOnly: false });
      }
    }
  },
};
