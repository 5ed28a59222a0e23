import { allResources } from "../../api/generated/all-resources.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { connectionOf, loadKubeconfig } from "../../client/kubeconfig.ts";
import { HttpTransport } from "../../client/http-transport.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { TypedClient } from "../../client/typed-client.ts";
import type { Clock } from "../../stdx/clock.ts";
import { traceOf, type Step } from "../../stdx/steps.ts";
import type { ClusterPaths, ClusterSpec } from "../spec.ts";
import { timeline } from "../timeline.ts";

export interface TraceOptions {
  readonly spec: ClusterSpec;
  readonly paths: ClusterPaths;
  /** ["pod/nginx"] or ["pod", "nginx"] */
  readonly what: readonly string[];
  readonly namespace: string;
  /** Instead of naming an object, for one that is gone. */
  readonly uid?: string;
  readonly json: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const stepBytesMax = 1024 * 1024;

export async function adminTransport(paths: ClusterPaths, clock: Clock): Promise<HttpTransport> {
  return new HttpTransport({ connection: await connectionOf(await loadKubeconfig([paths.adminKubeconfig])), clock });
}

/** Steps that the server keeps, its own and those that agents sent it; with `follow`, also those to come. */
export async function* stepsOf(transport: HttpTransport, options: { readonly trace?: string; readonly follow: boolean; readonly signal: AbortSignal }): AsyncGenerator<Step, void> {
  const query = { ...(options.trace !== undefined && { trace: options.trace }), ...(options.follow && { watch: "true" }) };
  using response = await transport.raw({ method: "GET", path: "/debug/steps", query, signal: options.signal });
  if (response.status !== 200) throw new Error(`the server answers ${response.status} when asked for steps: ${await response.text()}`);
  for await (const line of jsonLines(response.body, { lineBytesMax: stepBytesMax })) yield line as Step;
}

/** "po", "pod", "pods", "deployments.apps" → the resource, as kubectl reads it. */
export function resourceNamed(word: string): ResourceType | undefined {
  const [name = "", group] = word.toLowerCase().split(/\.(.*)/s);
  return allResources.filter(({ onByDefault }) => onByDefault).map(({ type }) => type).find((type) =>
    (group === undefined || group === type.group) && [type.plural, type.singular, type.kind.toLowerCase(), ...type.shortNames].includes(name));
}

export async function traceObject(options: TraceOptions): Promise<number> {
  const { what, paths, clock, signal, print } = options;
  using transport = await adminTransport(paths, clock);
  const uid = options.uid ?? (await uidOf(transport, what, options.namespace, signal));
  const steps: Step[] = [];
  for await (const step of stepsOf(transport, { trace: traceOf(uid), follow: false, signal })) steps.push(step);
  if (options.json) print(JSON.stringify(steps, null, 2));
  else if (steps.length === 0) throw new Error(`no steps are kept for ${what.join(" ") || uid}: they may be older than the server remembers`);
  else for (const line of timeline(steps)) print(line);
  return 0;
}

async function uidOf(transport: HttpTransport, what: readonly string[], namespace: string, signal: AbortSignal): Promise<string> {
  const [word = "", name = ""] = what.length === 1 ? (what[0] ?? "").split("/") : what;
  if (word === "" || name === "" || what.length > 2) throw new Error("name one object: keelson trace pod/NAME");
  const type = resourceNamed(word);
  if (!type) throw new Error(`the server doesn't have a resource type ${JSON.stringify(word)}`);
  const object: KubeObject = await new TypedClient(transport).get(type, { name, ...(type.namespaced && { namespace }) }, { signal });
  return object.metadata.uid ?? "";
}
