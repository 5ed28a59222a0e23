import { formatYaml } from "../../apimachinery/yaml.ts";
import { keelsonVersion, kubernetesVersion } from "../../stdx/version.ts";
import type { KubectlCommand } from "../command.ts";
import { goJson } from "../../apimachinery/go-json.ts";
import type { Json } from "../session.ts";

export const version: KubectlCommand = {
  use: "version",
  flags: [{ name: "client", type: "bool" }, { name: "output", short: "o", type: "string" }],
  async run(session, flags) {
    if (flags.args.length > 0) throw new Error(`extra arguments: [${flags.args.join(" ")}]`);
    const output = flags.text("output");
    if (output !== "" && output !== "yaml" && output !== "json") throw new Error("--output must be 'yaml' or 'json'");
    const [, major = "", minor = ""] = /^v(\d+)\.(\d+)/.exec(kubernetesVersion) ?? [];
    const clientVersion: Json = { major, minor, gitVersion: kubernetesVersion, compiler: `keelson ${keelsonVersion}`, platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}` };
    let serverVersion: Json | undefined;
    let failure: unknown;
    if (!flags.bool("client")) {
      try {
        serverVersion = await session.json({ method: "GET", path: "/version" });
      } catch (error) {
        failure = error;
      }
    }
    const all: Json = { clientVersion, ...(serverVersion && { serverVersion }) };
    if (output === "yaml") session.print(formatYaml(all));
    else if (output === "json") session.print(goJson(all, 2, { keepOrder: true }));
    else {
      session.print(`Client Version: ${kubernetesVersion}`);
      if (serverVersion) session.print(`Server Version: ${String(serverVersion["gitVersion"])}`);
    }
    if (failure !== undefined) throw failure;
  },
};
