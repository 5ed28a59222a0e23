import { apiVersionOf } from "../../apimachinery/object.ts";
import type { KubectlCommand } from "../command.ts";
import { UsageError } from "../errors.ts";

export const apiVersions: KubectlCommand = {
  use: "api-versions",
  flags: [],
  async run(session, flags) {
    if (flags.args.length > 0) throw new UsageError(`unexpected arguments: [${flags.args.join(" ")}]`);
    const { resources } = await session.discovery();
    for (const each of [...new Set(resources.map(apiVersionOf))].toSorted()) session.print(each);
  },
};
