import type { KubectlCommand } from "../command.ts";
import { pathOf } from "../discovery.ts";
import { throwAll, withSource } from "../errors.ts";
import { dryRunFlag, filenameFlags, outputFlags, selectorFlag } from "../global-flags.ts";
import { changePrinter, dryRunOf, operationOf } from "../printers/printer.ts";
import type { Json } from "../session.ts";
import { resolveTargets } from "../targets.ts";

export const scale: KubectlCommand = {
  use: "scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)",
  required: ["replicas"],
  flags: [...filenameFlags, ...outputFlags, dryRunFlag, selectorFlag, { name: "all", type: "bool" }, { name: "current-replicas", type: "int", default: "-1" }, { name: "replicas", type: "int" }, { name: "resource-version", type: "string" }],
  async run(session, flags) {
    const replicas = flags.int("replicas");
    if (replicas < 0) throw new Error("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    const dryRun = dryRunOf(flags, (line) => session.warn(line));
    const print = changePrinter(flags, operationOf("scaled", dryRun));
    const { namespace, explicit } = await session.namespace();
    const target = await resolveTargets(session, {
      args: flags.args, namespace, explicitNamespace: explicit, labelSelector: flags.text("selector"), all: flags.bool("all"), filenames: flags.list("filename"), recursive: flags.bool("recursive"), programName: session.streams.name,
    });
    const errors: unknown[] = target.is === "files" ? [...target.errors] : [];
    const found: { readonly mapping: Parameters<typeof pathOf>[0]; readonly object: Json; readonly source: string }[] = [];
    for (const mapping of target.is === "collections" ? target.mappings : []) {
      const { items = [], apiVersion, kind } = await session.json<{ readonly items?: readonly Json[]; readonly apiVersion?: string; readonly kind?: string }>({
        method: "GET", path: pathOf(mapping, { namespace }), resource: mapping.resource, query: target.is === "collections" && target.labelSelector !== "" ? { labelSelector: target.labelSelector } : {},
      });
      found.push(...items.map((item) => ({ mapping, object: { apiVersion, kind: (kind ?? "").replace(/List$/, ""), ...item }, source: "" })));
    }
    for (const each of target.is === "names" ? target.items.map((item) => ({ ...item, source: "" })) : target.is === "files" ? target.infos : []) {
      try {
        found.push({ mapping: each.mapping, object: await session.json({ method: "GET", path: pathOf(each.mapping, each), resource: each.mapping.resource }), source: each.source });
      } catch (error) {
        errors.push(error);
      }
    }
    for (const { mapping, object, source } of found) {
      const { name = "", namespace: at = "" } = object["metadata"] as { readonly name?: string; readonly namespace?: string };
      const path = pathOf(mapping, { namespace: at, name, subresource: "scale" });
      try {
        if (dryRun !== "client") {
          const expected = flags.int("current-replicas");
          const version = flags.text("resource-version");
          if (expected >= 0) {
            const current = await session.json<{ readonly spec?: { readonly replicas?: number } }>({ method: "GET", path, resource: mapping.resource });
            if ((current.spec?.replicas ?? 0) !== expected) throw new Error(`Expected replicas to be ${expected}, was ${current.spec?.replicas ?? 0}`);
          }
          await session.json({
            method: "PATCH", path, resource: mapping.resource, contentType: "application/merge-patch+json", ...(dryRun === "server" && { query: { dryRun: "All" } }),
            body: { ...(version !== "" && { metadata: { resourceVersion: version } }), spec: { replicas } },
          });
        }
        session.stdout.write(print(object));
      } catch (error) {
        errors.push(withSource("scaling", source, error));
      }
    }
    throwAll(errors);
    if (found.length === 0) throw new Error("no objects passed to scale");
  },
};
