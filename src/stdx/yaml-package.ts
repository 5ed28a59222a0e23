import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The `yaml` package, loaded when YAML is first read or written: its 70 files take longer to load than most of our folders, and a server may never meet any YAML. */
export const yamlPackage = (): typeof import("yaml") => require("yaml") as typeof import("yaml");
