import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "../../stdx/clock.ts";
import { compiledCode, keepCode } from "./compiled-code.ts";
import { loadProgram } from "./load.ts";
import { inAscii } from "./make.ts";
import { bundleOf } from "./present.ts";

const repository = join(import.meta.dirname, "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "keelson-bundle-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A program of the same shape as ours: three beginnings, and a module that one of them imports. */
function sourceTree(name: string): { readonly root: string; write(path: string, text: string): void } {
  const root = join(folder, name);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("package.json", '{ "type": "module" }');
  write("src/bin/bundle/make.ts", "");
  write("src/storage/sqlite/worker.ts", "export {};");
  write("src/bin/word.ts", 'export const word = "one";');
  write("src/bin/commands.ts", 'import { word } from "./word.ts"; export const commands = { word, where: import.meta.dirname, dash: /^–$/.test("–") };');
  write("src/bin/bundle/entry.ts", 'console.log(process.argv.slice(2).join(" "));');
  const found = [join(repository, "node_modules"), join(repository, "..", "node_modules")].find((each) => existsSync(join(each, "@esbuild")));
  if (found !== undefined) symlinkSync(found, join(root, "node_modules"));
  return { root, write };
}

/** What was changed when a build began, or since, counts as being written still; these say that it began a minute after the files were written, or before. */
const later = { now: () => systemClock.now() + 60_000 };
const earlier = { now: () => systemClock.now() - 60_000 };
const wordOf = (bundle: string | undefined) => (loadProgram(dirname(bundle ?? ""), { compiledFolder: folder, command: "test" }).commands as unknown as { readonly word: string }).word;

test("a bundle is made once, and never used for another source than its own", async () => {
  const { root, write } = sourceTree("once");
  assert.equal(await bundleOf(root, { make: false }), undefined, "there is none yet");
  assert.equal(await bundleOf(root, { make: true, clock: earlier }), undefined, "the source was changed while it was built");
  const first = await bundleOf(root, { make: true, clock: later });
  assert.equal(wordOf(first), "one");
  assert.equal(execFileSync(process.execPath, [first ?? "", "a", "b"], { encoding: "utf8" }), "a b\n");
  assert.equal(await bundleOf(root, { make: false }), first);

  const imported = join(root, "src/bin/word.ts");
  const { atime, mtime } = statSync(imported);
  write("src/bin/word.ts", 'export const word = "two";'); // As long as before, and, as some tools leave it, as old as before.
  utimesSync(imported, atime, mtime);
  assert.equal(await bundleOf(root, { make: false }), undefined);
  const second = await bundleOf(root, { make: true, clock: later });
  assert.equal(wordOf(second), "two");
  assert.notEqual(second, first);

  rmSync(imported);
  assert.equal(await bundleOf(root, { make: true, clock: later }), undefined, "what does not build runs from its source, which says what is wrong");
});

test("only the latest bundles are kept", async () => {
  const { root, write } = sourceTree("latest");
  for (let i = 0; i < 5; i++) {
    write("src/bin/word.ts", `export const word = "${i}";`);
      assert.equal(wordOf(await bundleOf(root, { make: true, clock: later })), String(i));
  }
  assert.deepEqual(readdirSync(join(root, ".cache", "program")).map((name) => (name.endsWith(".json") ? name : "bundle")).toSorted(), ["bundle", "bundle", "bundle", "present.json"]);
});

test("modules know where they are, and no character is lost", async () => {
  const { root } = sourceTree("place");
  const bundle = (await bundleOf(root, { make: true, clock: later })) ?? "";
  const { commands } = loadProgram(dirname(bundle), { compiledFolder: folder, command: "test" });
  assert.deepEqual(commands as unknown, { word: "one", where: dirname(bundle), dash: true });
  assert.equal(inAscii("/µ😀/u"), "/\\u00b5\\ud83d\\ude00/u");
});

test("compiled code is kept for the next start, longer runs before shorter ones, and only if it is whole", async () => {
  const { root } = sourceTree("compiled");
  const bundle = dirname((await bundleOf(root, { make: true, clock: later })) ?? "");
  const compiledFolder = join(folder, "compiled-code");
  const load = () => loadProgram(bundle, { compiledFolder, command: "word" });
  const keptFile = () => join(compiledFolder, "program", readdirSync(join(compiledFolder, "program"))[0] ?? "");

  load().keepCompiled("brief");
  assert.equal(compiledCode(keptFile())?.extent, "brief");
  load().keepCompiled("whole");
  assert.equal(compiledCode(keptFile())?.extent, "whole");
  const { ino } = statSync(keptFile());
  load().keepCompiled("brief");
  assert.equal(statSync(keptFile()).ino, ino, "nothing better was to be kept");

  const bytes = readFileSync(keptFile());
  bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
  writeFileSync(keptFile(), bytes);
  assert.equal(compiledCode(keptFile()), undefined);
  assert.equal((load().commands as unknown as { readonly word: string }).word, "one");
  for (const damage of [Buffer.alloc(0), Buffer.alloc(5, 9)]) {
    writeFileSync(keptFile(), damage);
    assert.equal(compiledCode(keptFile()), undefined);
  }
  // Code of another V8, or under other flags, is refused by V8 and made anew; in a process of its own, since this one remembers the script.
  keepCode(keptFile(), { extent: "whole", code: Buffer.from("not compiled by this V8") });
  const again = `import { loadProgram } from ${JSON.stringify(join(import.meta.dirname, "load.ts"))}; loadProgram(...${JSON.stringify([bundle, { compiledFolder, command: "word" }])}).keepCompiled("whole");`;
  execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", again]);
  assert.notEqual(compiledCode(keptFile())?.code.toString(), "not compiled by this V8");
});
