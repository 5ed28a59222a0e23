import { badRequest } from "../../apimachinery/status-error.ts";
import type { Step, StepRing } from "../../stdx/steps.ts";
import type { Answer } from "../answer.ts";
import type { Authorized } from "../requests/request.ts";
import { methodNotAllowed } from "../requests/refusals.ts";
import type { Route } from "./routes.ts";

const line = (step: Step): string => `${JSON.stringify(step)}\n`;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The trace that an object's UID stands for. */
const traceIn = (request: Authorized): string | undefined => request.query.get("trace")?.replaceAll("-", "").toLowerCase();

function stepOf(value: unknown): Step | undefined {
  if (!isRecord(value)) return undefined;
  const { trace, component, name, startMs, endMs, attributes } = value;
  if (typeof trace !== "string" || !/^[0-9a-f]{1,64}$/.test(trace) || typeof component !== "string" || typeof name !== "string") return undefined;
  if (typeof startMs !== "number" || typeof endMs !== "number") return undefined;
  const kept = Object.entries(isRecord(attributes) ? attributes : {}).filter((entry): entry is [string, string | number | boolean] => ["string", "number", "boolean"].includes(typeof entry[1]));
  return { trace, component, name, startMs, endMs, attributes: Object.fromEntries(kept) };
}

/** `GET /debug/steps?trace=<uid>&watch=true`: recorded steps as lines of JSON, and those that come. `POST`: steps that others recorded. */
export function stepRoutes(ring: StepRing): Readonly<Record<string, Route>> {
  const take = async (request: Authorized): Promise<Answer> => {
    if (request.payload.is !== "bytes") throw methodNotAllowed();
    const text = (await request.payload.read()).toString();
    let taken = 0;
    for (const [index, each] of text.split("\n").entries()) {
      if (each.trim() === "") continue;
      let step: Step | undefined;
      try {
        step = stepOf(JSON.parse(each));
      } catch {
        step = undefined;
      }
      if (!step) throw badRequest(`line ${index + 1} is not a step; the ${taken} before it were taken`);
      ring.record(step);
      taken++;
    }
    return { is: "object", code: 200, object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" } };
  };
  return {
    "/debug/steps": (_, request) => {
      if (request.method === "POST") return take(request);
      if (request.method !== "GET") throw methodNotAllowed();
      const trace = traceIn(request);
      const recorded = () => Buffer.from(ring.of(trace).map(line).join(""));
      if (request.query.get("watch") !== "true") return { is: "bytes", code: 200, contentType: "application/jsonl", body: recorded() };
      return {
        is: "stream", contentType: "application/jsonl",
        start: (sink) => {
          sink.write(recorded());
          const listening = ring.onStep((step) => {
            if (trace !== undefined && step.trace !== trace) return;
            if (sink.write(Buffer.from(line(step)))) return;
            listening[Symbol.dispose]();
            sink.end();
          });
          return listening;
        },
      };
    },
  };
}
