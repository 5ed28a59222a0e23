import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseFlags, type Flag } from "./flags.ts";

const flags: readonly Flag[] = [
  { name: "output", short: "o", type: "string" }, { name: "watch", short: "w", type: "bool" }, { name: "stdin", short: "i", type: "bool" }, { name: "tty", short: "t", type: "bool" },
  { name: "env", type: "stringArray" }, { name: "filename", short: "f", type: "stringSlice" }, { name: "dry-run", type: "string", default: "none", bare: "unchanged" }, { name: "tail", type: "int", default: "-1" },
];

describe("flags are read as pflag reads them", () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[] = [
    ["-o=json a", { output: "json" }, ["a"]], ["-ojson", { output: "json" }, []], ["-o json", { output: "json" }, []], ["-wo yaml", { watch: "true", output: "yaml" }, []], ["--watch=true", { watch: "true" }, []], ["-w=false", { watch: "false" }, []],
    ["-it a", { stdin: "true", tty: "true" }, ["a"]], ["--dry-run a", { "dry-run": "unchanged" }, ["a"]], ["--dry-run=client", { "dry-run": "client" }, []], ["--tail -1", { tail: "-1" }, []], ["a -- -o b", { output: "" }, ["a", "-o", "b"]], ["-f -", { filename: "-" }, []],
  ];
  for (const [line, values, args] of cases) {
    test(line, () => {
      const parsed = parseFlags(line.split(" "), flags);
      for (const [name, value] of Object.entries(values)) assert.equal(parsed.text(name), value);
      assert.deepEqual(parsed.args, args);
    });
  }

  test("lists", () => {
    const parsed = parseFlags(["--env=A=1,2", "--env", "B", "-f", "a,b", "-fc"], flags);
    assert.deepEqual([parsed.list("env"), parsed.list("filename")], [["A=1,2", "B"], ["a", "b", "c"]]);
  });

  for (const [line, message] of [
    ["--nope", "unknown flag: --nope"], ["-z", "unknown shorthand flag: 'z' in -z"], ["--output", "flag needs an argument: --output"], ["-o", "flag needs an argument: 'o' in -o"],
    ["--watch=x", 'invalid argument "x" for "-w, --watch" flag: strconv.ParseBool: parsing "x": invalid syntax'], ["--tail=x", 'invalid argument "x" for "--tail" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  ] as const) test(`${line} is refused`, () => assert.throws(() => parseFlags([line], flags), { message }));
});
