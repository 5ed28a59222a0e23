import { isForbidden, isMethodNotAllowed } from "../status.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import { TimeoutError, timeoutSignal } from "../../stdx/abort.ts";
import type { KubectlCommand } from "../command.ts";
import { kindName, pathOf, type ServedResource } from "../discovery.ts";
import { throwAll, withSource } from "../errors.ts";
import type { Flag, ParsedFlags } from "../flags.ts";
import { dryRunFlag, filenameFlags, selectorFlag } from "../global-flags.ts";
import { dryRunOf, operationOf, type DryRun } from "../printers/printer.ts";
import { waitUntilDeleted } from "../requests/wait-deleted.ts";
import type { Json, Session } from "../session.ts";
import { listing, resolveTargets } from "../targets.ts";

export interface Doomed {
  readonly mapping: ServedResource;
  readonly namespace: string;
  readonly name: string;
  readonly source: string;
}

export interface DeleteSettings {
  readonly gracePeriod: number;
  readonly cascade: "Background" | "Orphan" | "Foreground";
  readonly dryRun: DryRun;
  readonly ignoreNotFound: boolean;
  readonly wait: boolean;
  readonly timeoutMs: number;
  readonly quiet: boolean;
  readonly nameOnly: boolean;
}

/** Flags that delete shares with commands that delete on the way (run --rm, apply --force, replace). */
export const deleteFlags: readonly Flag[] = [
  ...filenameFlags, { name: "cascade", type: "string", default: "background", bare: "background" }, { name: "force", type: "bool" }, { name: "grace-period", type: "int", default: "-1" },
  { name: "timeout", type: "duration", default: "0s" }, { name: "wait", type: "bool" },
];
const weekMs = 7 * 24 * 3_600_000;

function line({ mapping, namespace, name }: Doomed, { gracePeriod, dryRun, nameOnly }: DeleteSettings): string {
  if (nameOnly) return `${kindName(mapping)}/${name}`;
  const what = `${gracePeriod === 0 ? "force deleted" : "deleted"}${mapping.namespaced ? ` from ${namespace} namespace` : ""}`;
  return `${kindName(mapping)} ${JSON.stringify(name)} ${operationOf(what, dryRun)}`;
}

/** Deletes one after the other, says so, and then waits for all of them to be gone. */
export async function deleteObjects(session: Session, doomed: readonly Doomed[], settings: DeleteSettings, earlier: readonly unknown[] = []): Promise<void> {
  const errors: unknown[] = [...earlier];
  const gone: (Doomed & { readonly uid: string | undefined })[] = [];
  let found = 0;
  for (const each of doomed) {
    try {
      found++;
      if (settings.dryRun === "client") {
        if (!settings.quiet) session.print(line(each, settings));
        continue;
      }
      const answer = await session.json<Json & { readonly details?: { readonly uid?: string }; readonly metadata?: { readonly uid?: string } }>({
        method: "DELETE", path: pathOf(each.mapping, each), resource: each.mapping.resource, ...(settings.dryRun === "server" && { query: { dryRun: "All" } }),
        body: { kind: "DeleteOptions", apiVersion: "v1", ...(settings.gracePeriod >= 0 && { gracePeriodSeconds: settings.gracePeriod }), propagationPolicy: settings.cascade },
      });
      if (!settings.quiet) session.print(line(each, settings));
      gone.push({ ...each, uid: answer.details?.uid ?? answer.metadata?.uid });
    } catch (error) {
      if (!settings.ignoreNotFound || !isNotFound(error)) errors.push(withSource("deleting", each.source, error));
    }
  }
  throwAll(errors);
  if (found === 0) {
    session.print("No resources found");
    return;
  }
  if (!settings.wait || settings.dryRun !== "none") return;
  using time = timeoutSignal(session.streams.clock, settings.timeoutMs === 0 ? weekMs : settings.timeoutMs, "timed out", session.signal);
  for (const each of gone) {
    try {
      await waitUntilDeleted(session, each, time.signal);
    } catch (error) {
      if (isForbidden(error) || isMethodNotAllowed(error)) return;
      if (time.signal.aborted && time.signal.reason instanceof TimeoutError) throw new Error(`timed out waiting for the condition on ${each.mapping.resource}/${each.name}`, { cause: error });
      throw error;
    }
  }
}

export function cascadeOf(value: string): DeleteSettings["cascade"] {
  if (value === "background" || value === "true") return "Background";
  if (value === "orphan" || value === "false") return "Orphan";
  if (value === "foreground") return "Foreground";
  throw new Error(`invalid cascade value (${value}). Must be "background", "foreground", or "orphan"`);
}

function settingsOf(session: Session, flags: ParsedFlags): DeleteSettings {
  const force = flags.bool("force");
  let gracePeriod = flags.int("grace-period");
  if (flags.bool("now")) {
    if (gracePeriod !== -1) throw new Error("--now and --grace-period cannot be specified together");
    gracePeriod = 1;
  }
  if (gracePeriod === 0 && !force) gracePeriod = 1;
  if (force && gracePeriod < 0) gracePeriod = 0;
  const output = flags.text("output");
  const selecting = flags.bool("all") || flags.text("selector") !== "" || flags.text("field-selector") !== "";
  const dryRun = dryRunOf(flags, (told) => session.warn(told));
  if (output !== "" && output !== "name") throw new Error(`unexpected -o output mode: ${output}. We only support '-o name'`);
  return {
    gracePeriod, cascade: cascadeOf(flags.text("cascade")), dryRun, ignoreNotFound: flags.given.has("ignore-not-found") ? flags.bool("ignore-not-found") : selecting,
    wait: flags.bool("wait"), timeoutMs: flags.durationMs("timeout"), quiet: false, nameOnly: output === "name",
  };
}

function checkForce(session: Session, { gracePeriod }: DeleteSettings, force: boolean): void {
  if (gracePeriod === 0 && force) session.warn("Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.");
  else if (gracePeriod > 0 && force) throw new Error("--force and --grace-period greater than 0 cannot be specified together");
}

async function confirmed(session: Session, doomed: readonly Doomed[]): Promise<boolean> {
  session.print(`You are about to delete the following ${doomed.length} resource(s):\n${doomed.map(({ mapping, name }) => `${kindName(mapping)}/${name}`).join("\n")}`);
  session.stdout.write("Do you want to continue? (y/N): ");
  let answer = "";
  for await (const chunk of session.streams.stdin) {
    answer += Buffer.from(chunk as Uint8Array | string).toString("utf8");
    if (answer.includes("\n")) break;
  }
  return answer.split("\n")[0]?.trim().toLowerCase() === "y";
}

export const deleteCommand: KubectlCommand = {
  use: "delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])",
  flags: [
    ...deleteFlags.filter(({ name }) => name !== "wait"), selectorFlag, dryRunFlag, { name: "wait", type: "bool", default: true }, { name: "all", type: "bool" }, { name: "all-namespaces", short: "A", type: "bool" },
    { name: "field-selector", type: "string" }, { name: "ignore-not-found", type: "bool" }, { name: "interactive", short: "i", type: "bool" }, { name: "now", type: "bool" }, { name: "output", short: "o", type: "string" },
    { name: "raw", type: "string" },
  ],
  async run(session, flags) {
    if (flags.text("raw") !== "") {
      session.stdout.write(await session.text({ method: "DELETE", path: flags.text("raw") }));
      return;
    }
    const { namespace, explicit } = await session.namespace();
    const settings = settingsOf(session, flags);
    const target = await resolveTargets(session, {
      args: flags.args, namespace, explicitNamespace: explicit, allNamespaces: flags.bool("all-namespaces"), labelSelector: flags.text("selector"), fieldSelector: flags.text("field-selector"),
      all: flags.bool("all"), filenames: flags.list("filename"), recursive: flags.bool("recursive"), programName: session.streams.name,
    });
    if (flags.bool("all") && flags.text("selector") !== "") throw new Error("cannot set --all and --selector at the same time");
    checkForce(session, settings, flags.bool("force"));
    const errors: unknown[] = target.is === "files" ? [...target.errors] : [];
    const doomed: Doomed[] = [];
    if (target.is === "collections") {
      for (const mapping of target.mappings) {
        try {
          const { items = [] } = await listing(mapping, target, session.json<{ readonly items?: readonly { readonly metadata?: { readonly name?: string; readonly namespace?: string } }[] }>({
            method: "GET", path: pathOf(mapping, target), resource: mapping.resource,
            query: { ...(target.labelSelector !== "" && { labelSelector: target.labelSelector }), ...(target.fieldSelector !== "" && { fieldSelector: target.fieldSelector }) },
          }));
          doomed.push(...items.map(({ metadata }) => ({ mapping, namespace: metadata?.namespace ?? "", name: metadata?.name ?? "", source: "" })));
        } catch (error) {
          errors.push(error);
        }
      }
    } else if (target.is === "names") doomed.push(...target.items.map((each) => ({ ...each, source: "" })));
    else doomed.push(...target.infos);
    if (flags.bool("interactive") && doomed.length > 0 && !(await confirmed(session, doomed))) return session.print("deletion is cancelled");
    if (explicit && !flags.bool("all-namespaces") && doomed.some(({ mapping }) => !mapping.namespaced)) session.warn("Warning: deleting cluster-scoped resources, not scoped to the provided namespace");
    await deleteObjects(session, doomed, settings, errors);
  },
};
