import type { ContainerStatus, Pod } from "../../api/generated/core-v1.ts";
import type { LogOptions } from "./logs.ts";

/** A request that cannot be answered; `code` is the HTTP status, the message what upstream's kubelet says. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const truthy = (text: string | null): boolean => text === "true" || text === "1";

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw new RequestError(400, `{"message": "Unable to decode query."}`);
  const value = Number(text);
  if (value < 0 || (value === 0 && name === "limitBytes")) throw new RequestError(422, `{"message": "Invalid request."}`);
  return value;
}

/** @throws {RequestError} */
export function logOptionsOf(query: URLSearchParams, nowMs: number): LogOptions & { readonly previous: boolean } {
  const [tailLines, limitBytes, sinceSeconds] = [count(query, "tailLines"), count(query, "limitBytes"), count(query, "sinceSeconds")];
  const sinceTime = query.get("sinceTime");
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime))) throw new RequestError(400, `{"message": "Unable to decode query."}`);
  const stream = query.get("stream") ?? "All";
  if (stream !== "All" && stream !== "Stdout" && stream !== "Stderr") throw new RequestError(400, `invalid stream type ${JSON.stringify(stream)}`);
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime !== null ? Date.parse(sinceTime) : undefined;
  return {
    follow: truthy(query.get("follow")), previous: truthy(query.get("previous")), timestamps: truthy(query.get("timestamps")), stream,
    ...(tailLines !== undefined && { tailLines }), ...(limitBytes !== undefined && { limitBytes }), ...(sinceMs !== undefined && { sinceMs }),
  };
}

const allStatuses = ({ status }: Pod): readonly ContainerStatus[] =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])];

const waitingTexts: Readonly<Record<string, string>> = { ErrImagePull: "image can't be pulled", ImagePullBackOff: "trying and failing to pull image" };

/** The id of the container whose log answers: the one that runs, else the one that ended last. @throws {RequestError} */
export function containerForLog(pod: Pod, container: string, previous: boolean): string {
  const what = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata.name)}`;
  const status = allStatuses(pod).find(({ name }) => name === container);
  if (!status) throw new RequestError(400, `${what} is not available`);
  const last = status.lastState?.terminated;
  const { waiting, running, terminated } = status.state ?? {};
  const idOf = (text: string | undefined): string | undefined => (text === undefined || text === "" ? undefined : text.slice(text.indexOf("://") + (text.includes("://") ? 3 : 1)));
  if (previous) {
    const id = idOf(last?.containerID);
    if (id === undefined) throw new RequestError(400, `previous terminated ${what} not found`);
    return id;
  }
  if (running) {
    const id = idOf(status.containerID);
    if (id !== undefined) return id;
  }
  if (terminated || last) {
    const id = idOf(terminated?.containerID) ?? idOf(last?.containerID);
    if (id === undefined) throw new RequestError(400, `${what} is terminated`);
    return id;
  }
  if (waiting) throw new RequestError(400, `${what} is waiting to start: ${waitingTexts[waiting.reason ?? ""] ?? waiting.reason ?? ""}`);
  throw new RequestError(400, `${what} is waiting to start - no logs yet`);
}
