import type { KubectlCommand } from "./command.ts";

/** Every command, loaded when it is called. */
export const commands: Readonly<Record<string, () => Promise<KubectlCommand>>> = {
  "api-resources": async () => (await import("./commands/api-resources.ts")).apiResources,
  "api-versions": async () => (await import("./commands/api-versions.ts")).apiVersions,
  apply: async () => (await import("./commands/apply.ts")).apply,
  config: async () => (await import("./commands/config.ts")).config,
  scale: async () => (await import("./commands/scale.ts")).scale,
  version: async () => (await import("./commands/version.ts")).version,
  attach: async () => (await import("./commands/attach.ts")).attach,
  create: async () => (await import("./commands/create.ts")).create,
  delete: async () => (await import("./commands/delete.ts")).deleteCommand,
  describe: async () => (await import("./commands/describe.ts")).describe,
  exec: async () => (await import("./commands/exec.ts")).exec,
  logs: async () => (await import("./commands/logs.ts")).logs,
  run: async () => (await import("./commands/run.ts")).run,
  get: async () => (await import("./commands/get.ts")).get,
};

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, x] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, y] of [...b].entries()) next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (x.toLowerCase() === y.toLowerCase() ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}

const alsoCalled: Readonly<Record<string, string>> = { list: "get", ls: "get", rm: "delete", remove: "delete", inspect: "describe" };

/** Commands that somebody who typed this may have meant. */
export function suggestions(word: string): readonly string[] {
  const near = Object.keys(commands).filter((name) => distance(word, name) <= 2 || name.toLowerCase().startsWith(word.toLowerCase()));
  return [...near, ...(alsoCalled[word] !== undefined ? [alsoCalled[word]] : [])].toSorted();
}
