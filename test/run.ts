// `npm test`: types and lint, then unit tests in one process, then a whole API server with its clients, then servers that are killed, then end-to-end tests one after the other; one closing line for all of them.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Counts { readonly passed: number; readonly failed: number; readonly skipped: number }

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "keelson-test-"));
const stages: ReadonlySet<string> = new Set(["static", "unit", "api", "crash", "e2e", "upstream"]);
const wanted = process.argv.slice(2);
const wants = (stage: string): boolean => wanted.length === 0 || wanted.includes(stage);
/** The files that are named behind a stage ("api test/api/kubectl-read.test.ts"), or else all of it. */
function filesOf(stage: string, all: readonly string[]): readonly string[] {
  const named = wanted.slice(wanted.indexOf(stage) + 1);
  const end = named.findIndex((each) => stages.has(each));
  const files = wanted.includes(stage) ? named.slice(0, end < 0 ? undefined : end) : [];
  return files.length > 0 ? files : all;
}
const total = { passed: 0, failed: 0, skipped: 0 };

function add({ passed, failed, skipped }: Counts): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** A program whose exit code is the verdict counts as one test. */
function check(name: string, argv: readonly [string, ...string[]]): void {
  const [program, ...args] = argv;
  const { status, error } = spawnSync(join(root, "node_modules/.bin", program), args, { cwd: root, stdio: "inherit" });
  if (error) console.error(error);
  console.log(`${status === 0 ? "✔" : "✖"} ${name}`);
  add({ passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 });
}

function run(name: string, args: readonly string[]): Counts {
  const counts = join(folder, `${name}.json`);
  const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout", `--test-reporter=${join(root, "test/support/counting-reporter.ts")}`, `--test-reporter-destination=${counts}`];
  const { status } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--test", ...reporters, ...args], { cwd: root, stdio: "inherit" });
  let counted: Counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counted = JSON.parse(readFileSync(counts, "utf8")) as Counts;
  } catch {
    console.error(`the ${name} tests ended without a result`);
  }
  rmSync(counts, { force: true });
  // A file that dies without a failed test (an unhandled rejection, a crash) is a failure as well.
  return status !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
}
const tests = (name: string, args: readonly string[]): void => add(run(name, args));

const secondRuns: string[] = [];

/**
 * Each file with clusters of its own. One that fails is run a second time, which counts, since these tests share two cores with everything that the
 * machine does; which files needed it is said at the end, so that nobody mistakes them for sound.
 */
function endToEnd(files: readonly string[]): void {
  for (const file of files) {
    const startedMs = performance.now();
    const args = ["--test-concurrency=1", "--test-timeout=600000", file];
    let counts = run("e2e", args);
    if (counts.failed > 0) {
      console.log(`✖ ${file} failed and is run a second time`);
      secondRuns.push(`${file} (${counts.failed} failed at first)`);
      counts = run("e2e", args);
    }
    console.log(`  ${file}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    add(counts);
  }
}

try {
  if (wants("static")) {
    check("types", ["tsc", "--noEmit"]);
    check("lint", ["oxlint", "--type-aware", "--quiet"]);
  }
  if (wants("unit")) tests("unit", ["--test-isolation=none", ...filesOf("unit", ["src/**/*.test.ts", "tools/**/*.test.ts", "test/*.test.ts"])]);
  const isSetUp = !wants("e2e") || spawnSync(process.execPath, [join(root, "test/support/setup.ts")], { cwd: root, stdio: "inherit" }).status === 0;
  if (wants("api")) tests("api", ["--test-concurrency=2", "--test-timeout=120000", ...filesOf("api", ["test/api-server/*.test.ts", "test/api/*.test.ts", "test/kubectl-parity/*.test.ts"])]);
  // Hundreds of starts of a server take minutes, however quick each of them is.
  if (wants("crash")) tests("crash", ["--test-concurrency=2", "--test-timeout=900000", ...filesOf("crash", ["test/crash/*.test.ts"])]);
  // Upstream's own API server, which nobody ships: only whoever has one can say where it is.
  if (wanted.includes("upstream") || process.env["KEELSON_UPSTREAM_APISERVER"] !== undefined) tests("upstream", ["--test-concurrency=1", "--test-timeout=600000", ...filesOf("upstream", ["test/upstream/*.test.ts"])]);
  if (wants("e2e")) {
    if (isSetUp) endToEnd(filesOf("e2e", globSync("test/end-to-end/*.e2e.ts", { cwd: root }).toSorted()));
    else add({ passed: 0, failed: 1, skipped: 0 });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const each of secondRuns) console.log(`needed a second run: ${each}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
