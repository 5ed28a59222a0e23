import { matchesLabels, parseLabelSelector } from "../../apimachinery/label-selector.ts";
import type { KubectlCommand } from "../command.ts";
import { throwAll, UsageError, withSource } from "../errors.ts";
import { filenameFlags, selectorFlag } from "../global-flags.ts";
import { withLastApplied } from "../last-applied.ts";
import { readManifests } from "../manifests.ts";
import { changePrinter, dryRunOf, operationOf } from "../printers/printer.ts";
import { changeFlags, createObject, fieldValidationOf } from "../requests/create-object.ts";
import { createSubcommands } from "./create-subcommands.ts";

export const create: KubectlCommand = {
  use: "create -f FILENAME",
  flags: [...filenameFlags, ...changeFlags("kubectl-create"), selectorFlag, { name: "edit", type: "bool" }, { name: "raw", type: "string" }, { name: "windows-line-endings", type: "bool" }],
  subcommands: createSubcommands,
  async run(session, flags) {
    if (flags.list("filename").length === 0 && flags.text("kustomize") === "") {
      if (flags.args.length === 0) throw new Error("must specify one of -f and -k");
    }
    if (flags.args.length > 0) throw new UsageError(`Unexpected args: [${flags.args.join(" ")}]`);
    if (flags.text("kustomize") !== "") throw new Error("keelson's kubectl has no kustomize: build the directory with kustomize and pass it with -f -");
    if (flags.bool("edit")) throw new Error("keelson's kubectl create has no --edit");
    const dryRun = dryRunOf(flags, (line) => session.warn(line));
    const print = changePrinter(flags, operationOf("created", dryRun));
    const fieldValidation = fieldValidationOf(flags);
    const { namespace, explicit } = await session.namespace();
    const { infos, errors: readErrors } = await readManifests(session, { filenames: flags.list("filename"), recursive: flags.bool("recursive"), namespace, explicitNamespace: explicit, validate: fieldValidation !== "Ignore" });
    const selector = flags.text("selector") === "" ? undefined : parseLabelSelector(flags.text("selector"));
    const errors: unknown[] = [...readErrors];
    let count = 0;
    for (const { mapping, namespace: at, object: read, source } of infos) {
      const labels = (read["metadata"] as { readonly labels?: Readonly<Record<string, string>> } | undefined)?.labels ?? {};
      if (selector && !matchesLabels(selector, labels)) continue;
      const object = flags.bool("save-config") ? withLastApplied(read) : read;
      try {
        const made = dryRun === "client" ? object : await createObject(session, mapping, at, object, { dryRun, fieldManager: flags.text("field-manager"), fieldValidation });
        count++;
        session.stdout.write(print(made));
      } catch (error) {
        errors.push(withSource("creating", source, error));
      }
    }
    throwAll(errors);
    if (count === 0) throw new Error("no objects passed to create");
  },
};
