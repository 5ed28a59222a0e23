import { apiVersionOf } from "../../apimachinery/object.ts";
import type { KubectlCommand } from "../command.ts";
import type { ServedResource } from "../discovery.ts";
import { UsageError } from "../errors.ts";
import { outputFlags } from "../global-flags.ts";
import { printerOf } from "../printers/printer.ts";
import { alignColumns, tableColumns } from "../tab-writer.ts";

/** Of each group the version it prefers, and from the others only what that one lacks. */
function preferred(resources: readonly ServedResource[]): readonly ServedResource[] {
  const first = new Map<string, ServedResource>();
  for (const each of resources) if (!first.has(`${each.group}/${each.resource}`)) first.set(`${each.group}/${each.resource}`, each);
  return [...first.values()];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const apiResources: KubectlCommand = {
  use: "api-resources",
  flags: [
    ...outputFlags, { name: "api-group", type: "string" }, { name: "cached", type: "bool" }, { name: "categories", type: "stringSlice" }, { name: "namespaced", type: "bool", default: true }, { name: "no-headers", type: "bool" },
    { name: "sort-by", type: "string" }, { name: "verbs", type: "stringSlice" },
  ],
  async run(session, flags) {
    if (flags.args.length > 0) throw new UsageError(`unexpected arguments: [${flags.args.join(" ")}]`);
    const sortBy = flags.text("sort-by");
    if (!["", "name", "kind"].includes(sortBy)) throw new Error("--sort-by accepts only name or kind");
    const output = flags.text("output");
    const printer = output === "" || output === "wide" || output === "name" ? undefined : printerOf(flags, { formats: ["json", "yaml", "kyaml", "wide", "name"], keepOrder: true });
    const { resources } = await session.discovery();
    const [verbs, categories] = [flags.list("verbs"), flags.list("categories")];
    const shown = preferred(resources).filter((each) => each.verbs.length > 0 && (!flags.given.has("api-group") || each.group === flags.text("api-group")) && (!flags.given.has("namespaced") || each.namespaced === flags.bool("namespaced"))
      && verbs.every((verb) => each.verbs.includes(verb)) && categories.every((category) => each.categories.includes(category)))
      .toSorted((a, b) => compare(sortBy === "name" ? a.resource : sortBy === "kind" ? a.kind : a.group, sortBy === "name" ? b.resource : sortBy === "kind" ? b.kind : b.group) || compare(a.resource, b.resource));
    if (shown.length === 0) return;
    if (printer) {
      session.stdout.write(printer({
        kind: "APIResourceList", apiVersion: "v1", groupVersion: "",
        resources: shown.map(({ resource, singular, namespaced, group, version, kind, verbs: all, shortNames, categories: in_ }) => ({
          name: resource, singularName: singular, namespaced, ...(group !== "" && { group }), version, kind, verbs: all, ...(shortNames.length > 0 && { shortNames }), ...(in_.length > 0 && { categories: in_ }),
        })),
      }));
      return;
    }
    if (output === "name") {
      for (const { resource, group } of shown) session.print(group === "" ? resource : `${resource}.${group}`);
      return;
    }
    const wide = output === "wide";
    const rows = shown.map((each) => [each.resource, each.shortNames.join(","), apiVersionOf(each), String(each.namespaced), each.kind, ...(wide ? [each.verbs.join(","), each.categories.join(",")] : [])]);
    const headers = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", ...(wide ? ["VERBS", "CATEGORIES"] : [])];
    session.stdout.write(alignColumns([...(flags.bool("no-headers") ? [] : [headers]), ...rows].map((row) => `${row.join("\t")}\n`).join(""), tableColumns));
  },
};
