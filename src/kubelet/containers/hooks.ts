import { request as httpsRequest } from "node:https";
import type { Container, HTTPGetAction, LifecycleHandler, Pod } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import type { Clock } from "../../stdx/clock.ts";
import { http } from "../../stdx/http-module.ts";
import { podText } from "../pod/pod.ts";

/** The number of a port that is given as one, or by the name of one of the container's ports. @throws Error */
export function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new Error(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`);
  return number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
}

/** Answers longer than this are cut. */
const bodyBytesMax = 10 * 1024;

/** One GET without checking certificates and without following anything. */
export function httpGet(action: HTTPGetAction, options: { readonly host: string; readonly port: number; readonly userAgent: string; readonly signal: AbortSignal }): Promise<HttpAnswer> {
  const { scheme = "HTTP", path = "/", httpHeaders = [] } = action;
  const headers: Record<string, string | string[]> = { "user-agent": options.userAgent, accept: "*/*", connection: "close" };
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined || key === "user-agent" || key === "accept" || key === "host" ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return new Promise((resolve, reject) => {
    const send = scheme.toUpperCase() === "HTTPS" ? httpsRequest : http.request;
    const request = send({
      host: action.host === undefined || action.host === "" ? options.host : action.host, port: options.port, path: path.startsWith("/") ? path : `/${path}`, headers,
      signal: options.signal, rejectUnauthorized: false, agent: false,
    }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        if (bytes < bodyBytesMax) chunks.push(chunk.subarray(0, bodyBytesMax - bytes));
        bytes += chunk.length;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? "", body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end();
  });
}

export interface HookOptions {
  readonly cri: Cri;
  readonly clock: Clock;
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly signal: AbortSignal;
}

/** Runs what a pod wants done after the start or before the end of a container. @throws Error in upstream's words */
export async function runHook(handler: LifecycleHandler, options: HookOptions): Promise<void> {
  const { cri, clock, pod, container, containerId, podIp, signal } = options;
  const failure = (what: string, why: string): Error => new Error(`${what} for Container ${JSON.stringify(container.name)} in Pod ${JSON.stringify(podText(pod))} failed - error: ${why}`);
  const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
  if (handler.exec) {
    const what = `Exec lifecycle hook ([${(handler.exec.command ?? []).join(" ")}])`;
    let answer;
    try {
      answer = await cri.execSync({ containerId, cmd: handler.exec.command ?? [], timeout: 0 }, { signal, deadlineMs: 0 });
    } catch (error) {
      signal.throwIfAborted();
      throw failure(what, text(error));
    }
    if (answer.exitCode !== 0) {
      const output = Buffer.concat([answer.stdout, answer.stderr]).toString();
      throw failure(what, `command '${(handler.exec.command ?? []).join(" ")}' exited with ${answer.exitCode}: ${output}, message: ${JSON.stringify(output)}`);
    }
  } else if (handler.httpGet) {
    try {
      await httpGet(handler.httpGet, { host: podIp, port: portNumber(handler.httpGet.port, container), userAgent: "kube-lifecycle/1.36", signal });
    } catch (error) {
      signal.throwIfAborted();
      throw failure(`HTTP lifecycle hook (${handler.httpGet.path ?? ""})`, text(error));
    }
  } else if (handler.sleep) await clock.sleep(handler.sleep.seconds * 1000, { signal });
}
