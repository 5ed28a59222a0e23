import { connect } from "node:net";
import type { Container, Probe } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import { codecs, isRpcError } from "../../stdx/grpc.ts";
import { RpcChannel } from "../../stdx/rpc-channel.ts";
import { httpGet, portNumber } from "../containers/hooks.ts";

/** `errored`: the probe itself could not be made; that says nothing about the container. */
export interface ProbeOutcome {
  readonly result: "success" | "warning" | "failure" | "errored";
  readonly output: string;
}

export interface ProbeOptions {
  readonly cri: Cri;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  readonly signal: AbortSignal;
}

const redirectsMax = 10;
const hostText = (host: string): string => (host.includes(":") ? `[${host}]` : host);
const dialText = (address: string, error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" ? `dial tcp ${address}: connect: connection refused` : code === "EHOSTUNREACH" ? `dial tcp ${address}: connect: no route to host` : error instanceof Error ? error.message : String(error);
};

async function http(probe: Probe, { container, podIp, signal }: ProbeOptions): Promise<ProbeOutcome> {
  const action = probe.httpGet;
  if (!action) return { result: "errored", output: "no HTTP action" };
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const host = action.host === undefined || action.host === "" ? podIp : action.host;
  let port = portNumber(action.port, container);
  let path = action.path ?? "/";
  let url = "";
  try {
    for (let hops = 0; hops <= redirectsMax; hops++) {
      url = `${scheme}://${hostText(host)}:${port}${path.startsWith("/") ? path : `/${path}`}`;
      const answer = await httpGet({ ...action, path }, { host, port, userAgent: "kube-probe/1.36", signal });
      if (answer.status >= 300 && answer.status < 400 && answer.location !== "") {
        const next = new URL(answer.location, url);
        // Another host is not followed: whoever answers there is not the container.
        if (next.hostname !== new URL(url).hostname) return { result: "warning", output: `Probe terminated redirects, Response body: ${answer.body}` };
        port = next.port === "" ? (next.protocol === "https:" ? 443 : 80) : Number(next.port);
        path = `${next.pathname}${next.search}`;
        continue;
      }
      return answer.status >= 200 && answer.status < 400 ? { result: "success", output: answer.body } : { result: "failure", output: `HTTP probe failed with statuscode: ${answer.status}` };
    }
    return { result: "failure", output: `Get ${JSON.stringify(url)}: stopped after ${redirectsMax} redirects` };
  } catch (error) {
    if (signal.aborted) return { result: "failure", output: `Get ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)` };
    return { result: "failure", output: `Get ${JSON.stringify(url)}: ${dialText(`${hostText(host)}:${port}`, error)}` };
  }
}

function tcp(probe: Probe, { container, podIp, signal }: ProbeOptions): Promise<ProbeOutcome> {
  const action = probe.tcpSocket;
  if (!action) return Promise.resolve({ result: "errored", output: "no TCP action" });
  const host = action.host === undefined || action.host === "" ? podIp : action.host;
  const port = portNumber(action.port, container);
  const address = `${hostText(host)}:${port}`;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (outcome: ProbeOutcome): void => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      resolve(outcome);
    };
    const abort = (): void => end({ result: "failure", output: `dial tcp ${address}: i/o timeout` });
    signal.addEventListener("abort", abort, { once: true });
    socket.once("connect", () => end({ result: "success", output: "" }));
    socket.once("error", (error) => end({ result: "failure", output: dialText(address, error) }));
  });
}

async function exec(probe: Probe, { cri, containerId, signal }: ProbeOptions): Promise<ProbeOutcome> {
  const command = probe.exec?.command ?? [];
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  try {
    const { stdout, stderr, exitCode } = await cri.execSync({ containerId, cmd: command, timeout: timeoutSeconds }, { deadlineMs: timeoutSeconds * 1000 + 10_000 });
    const output = Buffer.concat([stdout, stderr]).subarray(0, 10 * 1024).toString();
    return exitCode === 0 ? { result: "success", output } : { result: "failure", output };
  } catch (error) {
    if (signal.aborted || isRpcError(error, "DEADLINE_EXCEEDED")) return { result: "failure", output: `command ${JSON.stringify(command.join(" "))} timed out` };
    return { result: "errored", output: error instanceof Error ? error.message : String(error) };
  }
}

const healthCodec = codecs(JSON.stringify({
  nested: {
    HealthCheckRequest: { fields: { service: { type: "string", id: 1 } } },
    HealthCheckResponse: { fields: { status: { type: "ServingStatus", id: 1 } }, nested: { ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } } } },
  },
}));

async function grpc(probe: Probe, { podIp, signal }: ProbeOptions): Promise<ProbeOutcome> {
  const { port = 0, service = "" } = probe.grpc ?? {};
  const address = `${hostText(podIp)}:${port}`;
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  using channel = new RpcChannel({ address });
  try {
    const method = { path: "/grpc.health.v1.Health/Check", request: healthCodec("HealthCheckRequest"), response: healthCodec("HealthCheckResponse") };
    const { status } = (await channel.unary(method, { service }, { signal, deadlineMs: timeoutSeconds * 1000 })) as { readonly status: string };
    return status === "SERVING" ? { result: "success", output: "service healthy" } : { result: "failure", output: `service unhealthy (responded with ${JSON.stringify(status)})` };
  } catch (error) {
    if (isRpcError(error, "UNIMPLEMENTED")) return { result: "failure", output: `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.message}` };
    if (signal.aborted || isRpcError(error, "DEADLINE_EXCEEDED")) return { result: "failure", output: `timeout: failed to connect service ${JSON.stringify(address)} within ${timeoutSeconds}s: context deadline exceeded` };
    return { result: "failure", output: `error: health rpc probe failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Asks a container once. `options.signal` is the probe's own time. */
export async function runProbe(probe: Probe, options: ProbeOptions): Promise<ProbeOutcome> {
  try {
    if (probe.exec) return await exec(probe, options);
    if (probe.httpGet) return await http(probe, options);
    if (probe.tcpSocket) return await tcp(probe, options);
    if (probe.grpc) return await grpc(probe, options);
  } catch (error) {
    return { result: "errored", output: error instanceof Error ? error.message : String(error) };
  }
  return { result: "errored", output: "missing probe handler" };
}
