import { createThreeWayMergePatch, applyMergePatch } from "../../apimachinery/patch/merge-patch.ts";
import { isJsonObject } from "../../apimachinery/patch/json-value.ts";
import { matchesLabels, parseLabelSelector } from "../../apimachinery/label-selector.ts";
import { isConflict, isNotFound, StatusError } from "../../apimachinery/status-error.ts";
import type { KubectlCommand } from "../command.ts";
import { pathOf } from "../discovery.ts";
import { throwAll, UsageError, withSource } from "../errors.ts";
import type { Flag, ParsedFlags } from "../flags.ts";
import { dryRunFlag, outputFlags, selectorFlag, validateFlag } from "../global-flags.ts";
import { goJson } from "../../apimachinery/go-json.ts";
import { lastApplied, lastAppliedAnnotation, withLastApplied } from "../last-applied.ts";
import { readManifests, type Info } from "../manifests.ts";
import { dryRunOf, namePrinter, operationOf, plainFormats, printerOf, type DryRun } from "../printers/printer.ts";
import { createObject, fieldValidationOf } from "../requests/create-object.ts";
import type { Json, Session } from "../session.ts";
import { cascadeOf, deleteFlags } from "./delete.ts";
import { waitUntilDeleted } from "../requests/wait-deleted.ts";
import { timeoutSignal } from "../../stdx/abort.ts";

interface Settings {
  readonly serverSide: boolean;
  readonly forceConflicts: boolean;
  readonly force: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: string;
  readonly dryRun: DryRun;
  readonly subresource: string;
  readonly cascade: string;
  readonly gracePeriod: number;
  readonly timeoutMs: number;
}

interface Applied {
  readonly object: Json;
  readonly operation: string;
}

/** A patch that met another change is made anew, this often; from the fifth time on after a pause. */
const patchRetriesMax = 5;
const triesBeforePause = 1;
const retryPauseMs = 1_000;
const forceTimeoutMs = 300_000;

const conflictAdvice = `
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]]))) : value;
}

const writeQuery = ({ dryRun, fieldManager, fieldValidation }: Settings): Readonly<Record<string, string>> => ({ ...(dryRun === "server" && { dryRun: "All" }), fieldManager, fieldValidation });

async function applyOnServer(session: Session, info: Info, settings: Settings): Promise<Applied> {
  try {
    const object = await session.json({
      method: "PATCH", path: pathOf(info.mapping, { ...info, subresource: settings.subresource }), contentType: "application/apply-patch+yaml", resource: info.mapping.resource, body: info.object,
      query: { ...writeQuery(settings), force: String(settings.forceConflicts) },
    });
    return { object, operation: "serverside-applied" };
  } catch (error) {
    if (isConflict(error)) throw new Error(`${error.message}${conflictAdvice}`, { cause: error });
    throw error;
  }
}

interface Patch {
  readonly contentType: string;
  readonly body: Json;
  applyTo(live: Json): Json;
}

/** What turns the live object into the manifest, considering what was applied before: strategic for kinds that we know, else a merge patch. */
async function patchFor(info: Info, modified: Json, live: Json): Promise<Patch> {
  const { schemas } = await import("../../api/schemas.ts");
  const { group, version, kind } = info.mapping;
  const original = lastApplied(live) ?? {};
  const schema = schemas.kind(group, version, kind);
  if (!schema) {
    const body = createThreeWayMergePatch(original, modified, live);
    return { contentType: "application/merge-patch+json", body, applyTo: (object) => applyMergePatch(object, body) as Json };
  }
  const { applyStrategicMergePatch, createThreeWayStrategicMergePatch } = await import("../../apimachinery/patch/strategic-merge-patch.ts");
  const body = createThreeWayStrategicMergePatch(original, modified, live, schema, schemas);
  return { contentType: "application/strategic-merge-patch+json", body, applyTo: (object) => applyStrategicMergePatch(object, body, schema, schemas) };
}

async function recreate(session: Session, info: Info, live: Json, modified: Json, settings: Settings): Promise<Json> {
  await session.json({
    method: "DELETE", path: pathOf(info.mapping, info), resource: info.mapping.resource,
    body: { kind: "DeleteOptions", apiVersion: "v1", ...(settings.gracePeriod >= 0 && { gracePeriodSeconds: settings.gracePeriod }), propagationPolicy: settings.cascade },
  });
  using time = timeoutSignal(session.streams.clock, settings.timeoutMs === 0 ? forceTimeoutMs : settings.timeoutMs, "timed out waiting for the condition", session.signal);
  await waitUntilDeleted(session, { ...info, uid: (live["metadata"] as { readonly uid?: string }).uid }, time.signal);
  return createObject(session, info.mapping, info.namespace, modified, settings);
}

async function applyHere(session: Session, info: Info, settings: Settings): Promise<Applied> {
  const { mapping, namespace, source } = info;
  const get = (): Promise<Json> => session.json({ method: "GET", path: pathOf(mapping, info), resource: mapping.resource });
  const modified = withLastApplied(info.object);
  let live: Json;
  try {
    live = await get();
  } catch (error) {
    if (!isNotFound(error)) throw withSource(`retrieving current configuration of:\n${describeInfo(info)}\nfrom server for:`, source, error);
    const made = withoutNulls(modified) as Json;
    if (settings.dryRun === "client") return { object: made, operation: "created" };
    try {
      return { object: await createObject(session, mapping, namespace, made, settings), operation: "created" };
    } catch (cause) {
      throw withSource("creating", source, cause);
    }
  }
  const annotations = (live["metadata"] as { readonly annotations?: Json } | undefined)?.annotations ?? {};
  const name = `${mapping.resource}${mapping.group === "" ? "" : `.${mapping.group}`}/${info.name}`;
  if (annotations[lastAppliedAnnotation] === undefined) {
    session.warn(`Warning: resource ${name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.`);
  }
  for (let tries = 0; ; tries++) {
    const patch = await patchFor(info, modified, live);
    if (Object.keys(patch.body).length === 0) return { object: live, operation: "unchanged" };
    if (settings.dryRun === "client") return { object: patch.applyTo(live), operation: "configured" };
    try {
      const object = await session.json({ method: "PATCH", path: pathOf(mapping, info), contentType: patch.contentType, resource: mapping.resource, body: patch.body, query: writeQuery(settings) });
      if ((object["metadata"] as { readonly deletionTimestamp?: string } | undefined)?.deletionTimestamp !== undefined) session.warn(`Warning: Detected changes to resource ${info.name} which is currently being deleted.`);
      return { object, operation: "configured" };
    } catch (error) {
      if (isConflict(error) && tries < patchRetriesMax) {
        if (tries >= triesBeforePause) await session.streams.clock.sleep(retryPauseMs, { signal: session.signal });
        live = await get();
        continue;
      }
      if (settings.force && error instanceof StatusError && (error.reason === "Invalid" || error.reason === "Conflict")) return { object: await recreate(session, info, live, modified, settings), operation: "configured" };
      throw withSource(`applying patch:\n${goJson(patch.body)}\nto:\n${describeInfo(info)}\nfor:`, source, withSource("patching", source, error));
    }
  }
}

const describeInfo = ({ mapping: { group, version, resource, kind }, name, namespace }: Info): string =>
  `Resource: "${group === "" ? "" : `${group}/`}${version}, Resource=${resource}", GroupVersionKind: "${group === "" ? "" : `${group}/`}${version}, Kind=${kind}"\nName: ${JSON.stringify(name)}, Namespace: ${JSON.stringify(namespace)}`;

function settingsOf(session: Session, flags: ParsedFlags): Settings {
  const serverSide = flags.bool("server-side");
  const dryRun = dryRunOf(flags, (line) => session.warn(line));
  const force = flags.bool("force");
  if (flags.bool("force-conflicts") && !serverSide) throw new Error("--force-conflicts only works with --server-side");
  if (dryRun === "client" && serverSide) throw new Error("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  if (serverSide && force) throw new Error("--force cannot be used with --server-side");
  if (dryRun === "server" && force) throw new Error("--dry-run=server cannot be used with --force");
  if (flags.bool("all") && flags.text("selector") !== "") throw new Error("cannot set --all and --selector at the same time");
  if (flags.text("subresource") !== "" && !serverSide) throw new Error("--subresource can only be specified for --server-side");
  if (flags.bool("prune")) throw new Error("keelson's kubectl apply has no --prune");
  return {
    serverSide, forceConflicts: flags.bool("force-conflicts"), force, dryRun, subresource: flags.text("subresource"), fieldValidation: fieldValidationOf(flags), cascade: cascadeOf(flags.text("cascade")),
    fieldManager: flags.given.has("field-manager") ? flags.text("field-manager") : serverSide ? "kubectl" : "kubectl-client-side-apply", gracePeriod: flags.int("grace-period"), timeoutMs: flags.durationMs("timeout"),
  };
}

const ownFlags: readonly Flag[] = [
  ...deleteFlags, ...outputFlags, dryRunFlag, validateFlag, selectorFlag, { name: "field-manager", type: "string", default: "kubectl-client-side-apply" }, { name: "server-side", type: "bool" },
  { name: "force-conflicts", type: "bool" }, { name: "all", type: "bool" }, { name: "overwrite", type: "bool", default: true }, { name: "openapi-patch", type: "bool", default: true }, { name: "prune", type: "bool" },
  { name: "prune-allowlist", type: "stringArray" }, { name: "applyset", type: "string" }, { name: "subresource", type: "string" },
];

export const apply: KubectlCommand = {
  use: "apply (-f FILENAME | -k DIRECTORY)",
  flags: ownFlags,
  async run(session, flags) {
    if (flags.args.length > 0) throw new UsageError(`Unexpected args: [${flags.args.join(" ")}]`);
    if (flags.text("kustomize") !== "") throw new Error("keelson's kubectl has no kustomize: build the directory with kustomize and pass it with -f -");
    if (flags.list("filename").length === 0) throw new Error("must specify one of -f and -k");
    const settings = settingsOf(session, flags);
    const printAll = flags.text("output") === "" || flags.text("output") === "name" ? undefined : printerOf(flags, { formats: plainFormats });
    const printNames = flags.text("output") === "name";
    const { namespace, explicit } = await session.namespace();
    const read = await readManifests(session, { filenames: flags.list("filename"), recursive: flags.bool("recursive"), namespace, explicitNamespace: explicit, validate: settings.fieldValidation !== "Ignore" });
    const selector = flags.text("selector") === "" ? undefined : parseLabelSelector(flags.text("selector"));
    const infos = selector ? read.infos.filter(({ object }) => matchesLabels(selector, (object["metadata"] as { readonly labels?: Readonly<Record<string, string>> } | undefined)?.labels)) : read.infos;
    const errors: unknown[] = [...read.errors];
    if (infos.length === 0 && errors.length === 0) throw new Error("no objects passed to apply");
    const applied: Json[] = [];
    for (const info of infos) {
      try {
        const generateName = (info.object["metadata"] as { readonly generateName?: string } | undefined)?.generateName ?? "";
        if (info.name === "" && generateName !== "") throw new Error(`from ${generateName}: cannot use generate name with apply`);
        const { object, operation } = settings.serverSide ? await applyOnServer(session, info, settings) : await applyHere(session, info, settings);
        applied.push(object);
        if (!printAll) session.stdout.write(namePrinter(printNames ? "" : operationOf(operation, settings.dryRun))(object));
      } catch (error) {
        session.signal.throwIfAborted();
        errors.push(error);
      }
    }
    throwAll(errors);
    if (printAll) {
      const [only] = applied;
      session.stdout.write(printAll(applied.length === 1 && only ? only : { apiVersion: "v1", items: applied, kind: "List", metadata: {} }));
    }
  },
};
