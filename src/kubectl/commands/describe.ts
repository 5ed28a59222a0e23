import type { KubeObject } from "../../apimachinery/object.ts";
import { apiVersionOf } from "../../apimachinery/object.ts";
import { isNotFound } from "../../apimachinery/status-error.ts";
import type { KubectlCommand } from "../command.ts";
import { describerFor } from "../describe/describers.ts";
import { pathOf, type ServedResource } from "../discovery.ts";
import { throwAll } from "../errors.ts";
import { filenameFlags, selectorFlag } from "../global-flags.ts";
import type { Json, Session } from "../session.ts";
import { listing, resolveTargets, type Target } from "../targets.ts";

interface Found {
  readonly mapping: ServedResource;
  readonly object: KubeObject;
}

const typed = ({ group, version, kind }: ServedResource, object: Json): KubeObject => ({ ...object, apiVersion: apiVersionOf({ group, version }), kind }) as KubeObject;

async function listOf(session: Session, mapping: ServedResource, query: { readonly namespace: string; readonly labelSelector: string }, chunk: number): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let next = ""; ; ) {
    const page = await listing(mapping, query, session.json<{ readonly items?: readonly Json[]; readonly metadata?: { readonly continue?: string } }>({
      method: "GET", path: pathOf(mapping, query), resource: mapping.resource,
      query: { ...(query.labelSelector !== "" && { labelSelector: query.labelSelector }), ...(chunk > 0 && { limit: String(chunk) }), ...(next !== "" && { continue: next }) },
    }));
    found.push(...(page.items ?? []).map((object) => ({ mapping, object: typed(mapping, object) })));
    next = page.metadata?.continue ?? "";
    if (next === "") return found;
  }
}

async function findAll(session: Session, target: Target, chunk: number): Promise<{ readonly found: readonly Found[]; readonly errors: readonly unknown[] }> {
  const jobs: (() => Promise<readonly Found[]>)[] = target.is === "collections" ? target.mappings.map((mapping) => () => listOf(session, mapping, target, chunk))
    : (target.is === "names" ? target.items : target.infos).map(({ mapping, namespace, name }) => async () => [{ mapping, object: typed(mapping, await session.json({ method: "GET", path: pathOf(mapping, { namespace, name }), resource: mapping.resource })) }]);
  const results = await Promise.allSettled(jobs.map((job) => job()));
  return { found: results.flatMap((result) => (result.status === "fulfilled" ? result.value : [])), errors: [...(target.is === "files" ? target.errors : []), ...results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []))] };
}

export const describe: KubectlCommand = {
  use: "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)",
  flags: [...filenameFlags, selectorFlag, { name: "all-namespaces", short: "A", type: "bool" }, { name: "chunk-size", type: "int", default: "500" }, { name: "show-events", type: "bool", default: true }],
  async run(session, flags) {
    const { namespace, explicit } = await session.namespace();
    const allNamespaces = flags.bool("all-namespaces");
    if (flags.args.length === 0 && flags.list("filename").length === 0) throw new Error(`You must specify the type of resource to describe. Use "${session.streams.name} api-resources" for a complete list of supported resources.\n`);
    const chunk = flags.int("chunk-size");
    const target = await resolveTargets(session, {
      args: flags.args, namespace, explicitNamespace: explicit && !allNamespaces, allNamespaces, labelSelector: flags.text("selector"), typeAloneMeansAll: true, filenames: flags.list("filename"), recursive: flags.bool("recursive"),
      programName: session.streams.name,
    });
    const { found, errors } = await findAll(session, target, chunk);
    const showEvents = flags.given.has("show-events") ? flags.bool("show-events") : errors.length === 0 && found.length <= 1;
    const [missing] = errors;
    if (isNotFound(missing) && flags.args.length === 2 && target.is === "names") {
      const mapping = target.items[0]?.mapping;
      const prefix = flags.args[1] ?? "";
      const matching = mapping ? (await listOf(session, mapping, { namespace: mapping.namespaced ? namespace : "", labelSelector: "" }, chunk)).filter(({ object }) => (object.metadata.name ?? "").startsWith(prefix)) : [];
      if (matching.length === 0) throw missing;
      for (const each of matching) session.stdout.write(`${await (await describerFor(each.mapping))(session, each.object, { showEvents })}\n`);
      return;
    }
    let first = true;
    for (const { mapping, object } of found) {
      const text = await (await describerFor(mapping))(session, object, { showEvents });
      session.stdout.write(`${first ? "" : "\n\n"}${text}`);
      first = false;
    }
    if (found.length === 0 && errors.length === 0) session.warn(allNamespaces ? "No resources found" : `No resources found in ${namespace} namespace.`);
    throwAll(errors);
  },
};
