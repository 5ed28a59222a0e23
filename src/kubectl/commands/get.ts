import { jsonLines } from "../../client/json-lines.ts";
import { statusErrorOf } from "../../client/http-answer.ts";
import { StatusError, isNotFound, type Status } from "../../apimachinery/status-error.ts";
import type { KubectlCommand } from "../command.ts";
import { kindName, pathOf, type ServedResource } from "../discovery.ts";
import { throwAll, UsageError } from "../errors.ts";
import type { ParsedFlags } from "../flags.ts";
import { filenameFlags, outputFlags, selectorFlag } from "../global-flags.ts";
import { since } from "../../apimachinery/duration.ts";
import { getFormats, itemsOf, printerOf, type ObjectPrinter } from "../printers/printer.ts";
import { isTable, plainTable, TablePrinter, type Table, type TableRow } from "../printers/table.ts";
import type { Json, Session } from "../session.ts";
import { sortObjects, sortRows } from "../sorting.ts";
import { alignColumns, tableColumns } from "../tab-writer.ts";
import { listing, resolveTargets, type Target } from "../targets.ts";

const tableForm = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
const lineBytesMax = 64 << 20;

interface Answer {
  readonly mapping: ServedResource;
  readonly namespace: string;
  readonly body: Json;
}

interface Query {
  readonly flags: ParsedFlags;
  readonly asTable: boolean;
  readonly namespace: string;
}

const resourceName = ({ resource, group }: ServedResource): string => (group === "" ? resource : `${resource}.${group}`);

/** Lists in chunks of --chunk-size; the pieces are one answer. */
async function listAll(session: Session, mapping: ServedResource, target: Extract<Target, { readonly is: "collections" }>, { flags, asTable }: Query): Promise<Json> {
  const sortBy = flags.text("sort-by");
  const chunk = sortBy === "" ? flags.int("chunk-size") : 0;
  let whole: Json | undefined;
  for (let next = ""; ; ) {
    const page = await listing(mapping, target, session.json({
      method: "GET", path: pathOf(mapping, { namespace: target.namespace }), ...(asTable && { accept: tableForm }), resource: resourceName(mapping),
      query: {
        ...(target.labelSelector !== "" && { labelSelector: target.labelSelector }), ...(target.fieldSelector !== "" && { fieldSelector: target.fieldSelector }),
        ...(chunk > 0 && { limit: String(chunk) }), ...(next !== "" && { continue: next }), ...(asTable && sortBy !== "" && { includeObject: "Object" }),
      },
    }));
    const key = isTable(page) ? "rows" : "items";
    const before = whole?.[key] as readonly unknown[] | undefined;
    whole = { ...page, [key]: [...(before ?? []), ...((page[key] as readonly unknown[] | null | undefined) ?? [])], ...(isTable(page) && { columnDefinitions: whole?.["columnDefinitions"] ?? page["columnDefinitions"] }) };
    next = (page["metadata"] as { readonly continue?: string } | undefined)?.continue ?? "";
    if (next === "") return whole;
  }
}

const getOne = (session: Session, mapping: ServedResource, at: { readonly namespace: string; readonly name: string }, { flags, asTable }: Query): Promise<Json> => session.json({
  method: "GET", path: pathOf(mapping, { ...at, subresource: flags.text("subresource") }), ...(asTable && { accept: tableForm }), resource: resourceName(mapping),
  ...(asTable && flags.text("sort-by") !== "" && { query: { includeObject: "Object" } }),
});

async function fetchAll(session: Session, target: Target, query: Query): Promise<{ readonly answers: readonly Answer[]; readonly errors: readonly unknown[] }> {
  const errors: unknown[] = target.is === "files" ? [...target.errors] : [];
  const answers: Answer[] = [];
  const jobs = target.is === "collections" ? target.mappings.map((mapping) => async (): Promise<Answer> => ({ mapping, namespace: target.namespace, body: await listAll(session, mapping, target, query) }))
    : (target.is === "names" ? target.items : target.infos).map(({ mapping, namespace, name }) => async (): Promise<Answer> => ({ mapping, namespace, body: await getOne(session, mapping, { namespace, name }, query) }));
  const results = await Promise.allSettled(jobs.map((job) => job()));
  // Named objects of one type are looked for one after the other by kubectl, which stops at nothing; the order of what it prints is the order of the arguments.
  for (const result of results) {
    if (result.status === "fulfilled") answers.push(result.value);
    else if (!(query.flags.bool("ignore-not-found") && isNotFound(result.reason))) errors.push(result.reason);
  }
  return { answers, errors };
}

/** kubectl prints yaml, json and templates of one object, of a List of what was found, and of nothing as an empty List. */
function printObjects(session: Session, target: Target, answers: readonly Answer[], errors: readonly unknown[], print: ObjectPrinter, flags: ParsedFlags): void {
  const single = target.is === "collections" ? false : target.single;
  if (single && errors.length > 0) throwAll(errors);
  if (answers.length === 0 && flags.bool("ignore-not-found")) return throwAll(errors);
  const first = answers[0];
  if (single && first && answers.length === 1) session.stdout.write(print(first.body));
  else {
    const items = answers.flatMap(({ body }) => itemsOf(body)?.map((item) => withType(item, body)) ?? [body]);
    const sortBy = flags.text("sort-by");
    session.stdout.write(print({ apiVersion: "v1", items: sortBy === "" ? items : sortObjects(items, sortBy), kind: "List", metadata: { resourceVersion: "" } }));
  }
  throwAll(errors);
}

/** Items of a typed list come without apiVersion and kind. */
function withType(item: Json, list: Json): Json {
  return item["kind"] === undefined ? { apiVersion: list["apiVersion"], kind: String(list["kind"] ?? "").replace(/List$/, ""), ...item } : item;
}

function tableOptions(flags: ParsedFlags): { readonly wide: boolean; readonly noHeaders: boolean; readonly showLabels: boolean; readonly labelColumns: readonly string[] } {
  return { wide: flags.text("output") === "wide", noHeaders: flags.bool("no-headers"), showLabels: flags.bool("show-labels"), labelColumns: flags.list("label-columns") };
}

const asTableOf = (session: Session, body: Json): Table => (isTable(body) ? (body as unknown as Table) : plainTable(itemsOf(body) ?? [body], (timestamp) => since(timestamp, session.now)));

/** kubectl shows nothing of a table that cannot be sorted. */
function sortedRows(rows: readonly TableRow[], field: string): readonly TableRow[] {
  try {
    return sortRows(rows, field);
  } catch {
    return []; // There is no such field in any row.
  }
}

function printTables(session: Session, target: Target, answers: readonly Answer[], errors: readonly unknown[], flags: ParsedFlags, namespace: string): void {
  const allNamespaces = flags.bool("all-namespaces");
  const sortBy = flags.text("sort-by");
  const shown = answers.map(({ mapping, body }) => ({ mapping, table: asTableOf(session, body) })).map(({ mapping, table }) => ({ mapping, table: sortBy === "" ? table : { ...table, rows: sortedRows(table.rows ?? [], sortBy) } }));
  const withKind = new Set(shown.map(({ mapping: { group, version, kind } }) => `${group}/${version}/${kind}`)).size > 1;
  let written = false;
  let [last, printer]: [ServedResource | undefined, TablePrinter | undefined] = [undefined, undefined];
  let block = "";
  const flush = (): void => {
    if (block === "") return;
    session.stdout.write((written && !flags.bool("no-headers") ? "\n" : "") + alignColumns(block, tableColumns));
    written = true;
    block = "";
  };
  for (const { mapping, table } of shown) {
    if (!printer || mapping !== last) {
      flush();
      printer = new TablePrinter({ ...tableOptions(flags), withNamespace: allNamespaces && mapping.namespaced, ...(withKind && { kindPrefix: kindName(mapping) }) });
      last = mapping;
    }
    block += printer.print(table);
  }
  flush();
  if (!written && !flags.bool("ignore-not-found") && errors.length === 0) {
    const allNamespaced = !allNamespaces && (target.is === "collections" ? target.mappings : shown.map(({ mapping }) => mapping)).every(({ namespaced }) => namespaced);
    session.warn(allNamespaced ? `No resources found in ${namespace} namespace.` : "No resources found");
  }
  throwAll(errors);
}

async function watch(session: Session, target: Target, query: Query): Promise<void> {
  const { flags } = query;
  const one = target.is === "collections" ? undefined : (target.is === "names" ? target.items : target.infos)[0];
  const mapping = one?.mapping ?? (target.is === "collections" ? target.mappings[0] : undefined);
  if (!mapping || (target.is !== "collections" && (target.is === "names" ? target.items : target.infos).length > 1)) throw new Error("watch is only supported on individual resources and resource collections - more than 1 resource was found");
  const namespace = one?.namespace ?? (target.is === "collections" ? target.namespace : "");
  const withEvents = flags.bool("output-watch-events");
  const objects = printerOf(flags, { formats: getFormats, noHeaders: flags.bool("no-headers") });
  const tables = new TablePrinter({ ...tableOptions(flags), withNamespace: flags.bool("all-namespaces") && mapping.namespaced });
  const remembered: number[] = [];
  const show = (body: Json, type?: string): void => {
    const event = withEvents && type !== undefined ? type : undefined;
    if (objects) session.stdout.write(objects(event === undefined ? body : { object: body, type: event }));
    else session.stdout.write(alignColumns(tables.print(asTableOf(session, body), event), tableColumns, remembered));
  };

  let body: Json;
  try {
    body = one ? await getOne(session, mapping, one, query) : await listAll(session, mapping, target as Extract<Target, { readonly is: "collections" }>, query);
  } catch (error) {
    if (isNotFound(error) && flags.bool("ignore-not-found")) return;
    throw error;
  }
  const isList = one === undefined;
  const only = flags.bool("watch-only");
  const parts = objects && isList ? (itemsOf(body) ?? []).map((item) => withType(item, body)) : [body];
  if (!only) for (const part of parts) show(part, "ADDED");
  let skip = !isList;
  const resourceVersion = isList ? ((body["metadata"] as { readonly resourceVersion?: string } | undefined)?.resourceVersion ?? "0") : "0";
  const fieldSelector = [...(one ? [`metadata.name=${one.name}`] : []), ...(target.is === "collections" && target.fieldSelector !== "" ? [target.fieldSelector] : [])].join(",");
  using response = await session.raw({
    method: "GET", path: pathOf(mapping, { namespace }), headers: { accept: query.asTable ? tableForm : "application/json" },
    query: { ...(target.is === "collections" && target.labelSelector !== "" && { labelSelector: target.labelSelector }), ...(fieldSelector !== "" && { fieldSelector }), resourceVersion, watch: "true" },
  });
  if (response.status >= 400) throw statusErrorOf(await response.text(), response.status, { group: "", resource: mapping.resource, verb: "watch" });
  try {
    for await (const event of jsonLines(response.body, { lineBytesMax })) {
      const { type, object } = event as { readonly type: string; readonly object: Json };
      if (type === "BOOKMARK") continue;
      if (type === "ERROR") throw StatusError.fromStatus(object as unknown as Status);
      if (skip) skip = false;
      else show(object, type);
    }
  } catch (error) {
    if (!session.signal.aborted) throw error;
  }
}

function check(session: Session, flags: ParsedFlags): void {
  const output = flags.text("output");
  if (flags.text("raw") !== "") {
    if (flags.args.length > 0) throw new Error("arguments may not be passed when --raw is specified");
    if (flags.bool("watch") || flags.bool("watch-only") || flags.text("selector") !== "") throw new Error("--raw may not be specified with other flags that filter the server request or alter the output");
    if (output !== "") throw new Error("--raw and --output are mutually exclusive");
    return;
  }
  const watching = flags.bool("watch") || flags.bool("watch-only");
  if (flags.bool("watch") && flags.text("sort-by") !== "") session.warn("warning: --watch requested, --sort-by will be ignored for watch events received");
  else if (flags.bool("watch-only") && flags.text("sort-by") !== "") session.warn("warning: --watch-only requested, --sort-by will be ignored");
  if (!watching && flags.args.length === 0 && flags.list("filename").length === 0) {
    session.warn(`You must specify the type of resource to get. Use "${session.streams.name} api-resources" for a complete list of supported resources.\n`);
    throw new UsageError(`Required resource not specified.\nUse "${session.streams.name} explain <resource>" for a detailed description of that resource (e.g. ${session.streams.name} explain pods).`);
  }
  if (flags.bool("show-labels") && output !== "" && output !== "wide") throw new Error(`--show-labels option cannot be used with ${output} printer`);
  if (flags.bool("output-watch-events") && !watching) throw new Error("--output-watch-events option can only be used with --watch or --watch-only");
}

export const get: KubectlCommand = {
  use: "get [(-o|--output=)FORMAT] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...)",
  flags: [
    ...filenameFlags, ...outputFlags, selectorFlag,
    { name: "all-namespaces", short: "A", type: "bool" }, { name: "chunk-size", type: "int", default: "500" }, { name: "field-selector", type: "string" }, { name: "ignore-not-found", type: "bool" },
    { name: "label-columns", short: "L", type: "stringSlice" }, { name: "no-headers", type: "bool" }, { name: "output-watch-events", type: "bool" }, { name: "raw", type: "string" },
    { name: "server-print", type: "bool", default: true }, { name: "show-kind", type: "bool" }, { name: "show-labels", type: "bool" }, { name: "sort-by", type: "string" }, { name: "subresource", type: "string" },
    { name: "watch", short: "w", type: "bool" }, { name: "watch-only", type: "bool" },
  ],
  async run(session, flags) {
    check(session, flags);
    if (flags.text("raw") !== "") {
      session.stdout.write(await session.text({ method: "GET", path: flags.text("raw") }));
      return;
    }
    const printer = printerOf(flags, { formats: getFormats, noHeaders: flags.bool("no-headers") });
    const { namespace, explicit } = await session.namespace();
    const watching = flags.bool("watch") || flags.bool("watch-only");
    const target = await resolveTargets(session, {
      args: flags.args, namespace, explicitNamespace: explicit && !flags.bool("all-namespaces"), allNamespaces: flags.bool("all-namespaces"), labelSelector: flags.text("selector"),
      fieldSelector: flags.text("field-selector"), typeAloneMeansAll: true, singleType: watching, subresource: flags.text("subresource"), filenames: flags.list("filename"),
      recursive: flags.bool("recursive"), programName: session.streams.name,
    });
    const query: Query = { flags, asTable: printer === undefined && flags.bool("server-print"), namespace };
    if (watching) return watch(session, target, query);
    const { answers, errors } = await fetchAll(session, target, query);
    if (printer) printObjects(session, target, answers, errors, printer, flags);
    else printTables(session, target, answers, errors, flags, namespace);
  },
};
