import { parseDurationMs } from "../apimachinery/time.ts";

/** Flags of the API server by their upstream names. */
export const servingFlags = {
  "max-requests-inflight": { type: "string" }, "max-mutating-requests-inflight": { type: "string" }, "request-timeout": { type: "string" }, "http2-max-streams-per-connection": { type: "string" },
  "service-node-port-range": { type: "string" },
} as const;

type Values = { readonly [Flag in keyof typeof servingFlags]?: string | undefined };

export interface ServingOptions {
  readonly inFlight: { readonly readsMax?: number; readonly changesMax?: number };
  readonly nodePortRange?: { readonly first: number; readonly last: number };
  readonly limits: { readonly requestMs?: number; readonly streamsMax?: number };
}

/** @throws {Error} that says which flag is wrong, and why. */
export function servingOptions(values: Values): ServingOptions {
  const count = (flag: keyof Values): number | undefined => {
    const text = values[flag];
    if (text === undefined) return undefined;
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${flag} ${text}: a number is wanted, 0 or above`);
    return Number(text);
  };
  const [readsMax, changesMax, streamsMax] = [count("max-requests-inflight"), count("max-mutating-requests-inflight"), count("http2-max-streams-per-connection")];
  const requestMs = values["request-timeout"] === undefined ? undefined : parseDurationMs(values["request-timeout"]);
  if (requestMs !== undefined && requestMs <= 0) throw new Error("--request-timeout can not be negative value");
  const nodePortRange = values["service-node-port-range"] === undefined ? undefined : portRange(values["service-node-port-range"]);
  return {
    ...(nodePortRange && { nodePortRange }),
    inFlight: { ...(readsMax !== undefined && { readsMax }), ...(changesMax !== undefined && { changesMax }) },
    // 0 leaves it to the library, as upstream says it.
    limits: { ...(requestMs !== undefined && { requestMs }), ...(streamsMax !== undefined && streamsMax > 0 && { streamsMax }) },
  };
}

/** "30000-32767" */
function portRange(text: string): { readonly first: number; readonly last: number } {
  const [first = 0, last = 0] = (/^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []).slice(1).map(Number);
  if (first < 1 || last < first || last > 65_535) throw new Error(`--service-node-port-range ${text}: a range of ports is wanted, such as 30000-32767`);
  return { first, last };
}
