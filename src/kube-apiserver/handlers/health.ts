import type { Answer } from "../answer.ts";
import type { Authorized } from "../requests/request.ts";
import type { Route } from "./routes.ts";

export interface HealthCheck {
  readonly name: string;
  /** What does not say whether the process lives, but whether it should be asked. */
  readonly only?: "readyz";
  /** Throws (or rejects) while it is not well. */
  check(): Promise<void> | void;
}

const text = (code: number, body: string): Answer => ({
  is: "bytes", code, contentType: "text/plain; charset=utf-8", body, headers: { "x-content-type-options": "nosniff" },
});

/** /livez, /readyz and the old /healthz, each with ?verbose, ?exclude= and one path per check. */
export function healthRoutes(): {
  add(check: HealthCheck): void;
  stop(): void;
  /** One per check. */
  paths(): readonly string[];
  readonly exact: Readonly<Record<string, Route>>;
  readonly prefixes: readonly (readonly [string, Route])[];
} {
  const checks: HealthCheck[] = [];
  let stopping = false;
  const shutdown: HealthCheck = {
    name: "shutdown", only: "readyz",
    check: () => {
      if (stopping) throw new Error("process is shutting down");
    },
  };
  const all = (kind: string) => [...checks, shutdown].filter(({ only }) => only === undefined || only === kind);

  const answer = async (kind: string, request: Authorized): Promise<Answer> => {
    const excluded = new Set(request.query.getAll("exclude"));
    const lines: string[] = [];
    const failed: string[] = [];
    for (const each of all(kind)) {
      const { name } = each;
      if (excluded.delete(name)) {
        lines.push(`[+]${name} excluded: ok`);
        continue;
      }
      try {
        await each.check();
        lines.push(`[+]${name} ok`);
      } catch {
        lines.push(`[-]${name} failed: reason withheld`);
        failed.push(name);
      }
    }
    if (excluded.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${[...excluded].map((each) => JSON.stringify(each)).join(",")}`);
    if (failed.length > 0) return text(500, `${lines.join("\n")}\n${kind} check failed\n`);
    return text(200, request.query.has("verbose") ? `${lines.join("\n")}\n${kind} check passed\n` : "ok");
  };
  const one = async (kind: string, name: string): Promise<Answer | undefined> => {
    const check = all(kind).find((each) => each.name === name);
    if (!check) return undefined;
    try {
      await check.check();
      return text(200, "ok");
    } catch (error) {
      return text(500, `internal server error: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  };
  const kinds = ["healthz", "livez", "readyz"];
  return {
    add: (check) => void checks.push(check),
    stop: () => {
      stopping = true;
    },
    paths: () => kinds.flatMap((kind) => all(kind).map(({ name }) => `/${kind}/${name}`)),
    exact: Object.fromEntries(kinds.map((kind) => [`/${kind}`, (_, request) => answer(kind, request)] satisfies [string, Route])),
    prefixes: kinds.map((kind) => [`/${kind}/`, (_, { info }) => one(kind, info.path.slice(kind.length + 2))] as const satisfies readonly [string, Route]),
  };
}
