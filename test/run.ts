// Replaced soon: unit tests first, then end-to-end tests, one closing line.
import { spawnSync } from "node:child_process";
process.exitCode = spawnSync(process.execPath, ["--test", "src/**/*.test.ts", "test/*.test.ts"], { stdio: "inherit" }).status ?? 1;
