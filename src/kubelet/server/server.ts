import type { X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Pod } from "../../api/generated/core-v1.ts";
import type { Cri } from "../../cri/cri.ts";
import { isRpcError } from "../../stdx/grpc.ts";
import type { Clock } from "../../stdx/clock.ts";
import { joinStreams } from "../../stdx/join-streams.ts";
import type { Log } from "../../stdx/log.ts";
import { chooseProtocol, requestedProtocols } from "./channel-socket.ts";
import { containerForLog, logOptionsOf, RequestError } from "./log-request.ts";
import { readLog } from "./logs.ts";
import type { PodAccess } from "./pod-access.ts";
import { portForwardChannelProtocols, servePortChannels, serveTunnel, tunnelProtocol } from "./port-forward.ts";
import { remoteCommandProtocols, serveRemoteCommand, type RemoteCommandStreams } from "./remote-command.ts";
import { UpgradeRefusedError, upgradeToSpdy } from "./upgrade.ts";

export interface KubeletServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string };
  readonly pods: PodAccess;
  readonly cri: Cri;
  /** Says whether a client with this certificate may do this (`nodes/proxy` and its finer parts). */
  readonly authorize: (client: { readonly name: string; readonly groups: readonly string[] }, request: { readonly verb: string; readonly subresource: string; readonly path: string }) => Promise<boolean>;
  /** Further pages: "/stats/summary", "/metrics", … each answers with its body. */
  readonly pages: Readonly<Record<string, () => Promise<{ readonly contentType: string; readonly body: string }>>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface KubeletServer extends AsyncDisposable {
  readonly port: number;
  /** Takes a renewed certificate into use; connections that stand go on with the old one. */
  renewTls(tls: KubeletServerOptions["tls"]): void;
}

const requestBytesMax = 64 * 1024;
const headersTimeoutMs = 30_000;

/** The node's own HTTP API, for the API server: logs, exec, attach, port-forward, pods. */
export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { tls, host, port, log, signal } = options;
  const server = createServer({ cert: tls.certificate, key: tls.key, ca: tls.clientCa, requestCert: true, rejectUnauthorized: false, maxHeaderSize: requestBytesMax, headersTimeout: headersTimeoutMs, requestTimeout: 0 });
  const sockets = new Set<Duplex>();
  server.on("secureConnection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // The peer went; whoever reads from the socket sees it end.
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("request", (request, response) => void answer(options, request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(options, request, socket, head));
  server.on("tlsClientError", (error) => log.debug("a client broke off the TLS handshake", { error: error.message }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  const close = () => new Promise<void>((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
  signal.addEventListener("abort", () => void close(), { once: true });
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    renewTls: ({ certificate, key, clientCa }) => server.setSecureContext({ cert: certificate, key, ca: clientCa }),
    [Symbol.asyncDispose]: close,
  };
}

interface Route {
  /** What RBAC calls it below `nodes`, finest first: one of them is enough. */
  readonly subresources: readonly string[];
  readonly verb: string;
}

const verbs: Readonly<Record<string, string>> = { POST: "create", GET: "get", HEAD: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };
/** KEP-2862: paths that need not be given together with everything else. */
const fineSubresources: Readonly<Record<string, string>> = { pods: "pods", runningpods: "pods", healthz: "healthz", configz: "configz" };
const subresources: Readonly<Record<string, string>> = { stats: "stats", metrics: "metrics", logs: "log", checkpoint: "checkpoint", statusz: "statusz", flagz: "configz" };

/** Which permission a path needs. */
export function routeOf(path: string, method: string): Route {
  const [, first = ""] = path.split("/");
  const [fine, coarse] = [Object.hasOwn(fineSubresources, first) ? fineSubresources[first] : undefined, Object.hasOwn(subresources, first) ? subresources[first] : undefined];
  return { subresources: [...(fine === undefined ? [] : [fine]), coarse ?? "proxy"], verb: verbs[method] ?? "" };
}

/** Who the client is, by its certificate. @throws {RequestError} 401 or 403 */
async function admit(options: KubeletServerOptions, request: IncomingMessage, path: string): Promise<void> {
  const socket = request.socket as TLSSocket;
  const certificate: X509Certificate | undefined = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (!certificate) throw new RequestError(401, "Unauthorized");
  const fields = certificate.subject.split("\n");
  const valuesOf = (key: string) => fields.filter((field) => field.startsWith(`${key}=`)).map((field) => field.slice(key.length + 1));
  const client = { name: valuesOf("CN")[0] ?? "", groups: [...valuesOf("O"), "system:authenticated"] };
  const { subresources: wanted, verb } = routeOf(path, request.method ?? "");
  for (const subresource of wanted) {
    try {
      if (await options.authorize(client, { verb, subresource, path })) return;
    } catch (error) {
      options.log.warn("a request could not be authorized", { user: client.name, path, error });
      throw new RequestError(500, `Authorization error (user=${client.name}, verb=${verb}, resource=nodes, subresource=${subresource})`);
    }
  }
  throw new RequestError(403, `Forbidden (user=${client.name}, verb=${verb}, resource=nodes, subresource(s)=[${wanted.join(" ")}])\n`);
}

function partsOf(path: string): readonly string[] {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) throw new RequestError(400, "malformed path");
    throw error;
  }
}

function podAt(options: KubeletServerOptions, namespace: string, name: string): Pod {
  const pod = options.pods.find(namespace, name);
  if (!pod) throw new RequestError(404, "pod does not exist");
  return pod;
}

async function answer(options: KubeletServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { log, pages, pods } = options;
  const url = new URL(request.url ?? "/", "https://node");
  try {
    await admit(options, request, url.pathname);
    const [, first = "", namespace = "", name = "", container = ""] = partsOf(url.pathname);
    const page = Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : undefined;
    if (page) {
      const { contentType, body } = await page();
      response.writeHead(200, { "content-type": contentType }).end(body);
    } else if (url.pathname === "/healthz") response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("ok");
    else if (url.pathname === "/pods" || url.pathname === "/runningpods/") {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.list() }));
    } else if (first === "containerLogs") await serveLogs(options, { namespace, name, container, query: url.searchParams }, response);
    else if (["exec", "attach", "portForward"].includes(first)) throw new RequestError(400, "Upgrade request required");
    else throw new RequestError(404, "404 page not found");
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (error instanceof RequestError) response.writeHead(error.code, { "content-type": "text/plain; charset=utf-8" }).end(error.message);
    else {
      log.error("a request to the node failed", { path: url.pathname, error });
      response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end(error instanceof Error ? error.message : String(error));
    }
  }
}

interface LogRequest {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly query: URLSearchParams;
}

async function serveLogs(options: KubeletServerOptions, { namespace, name, container, query }: LogRequest, response: ServerResponse): Promise<void> {
  const { cri, clock, pods } = options;
  const wanted = logOptionsOf(query, clock.now());
  const pod = pods.find(namespace, name);
  if (!pod) throw new RequestError(404, `pod ${JSON.stringify(name)} does not exist`);
  const spec = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []), ...(pod.spec?.ephemeralContainers ?? [])];
  if (!spec.some((each) => each.name === container)) throw new RequestError(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`);
  const containerId = containerForLog(pod, container, wanted.previous);
  const statusOf = async () => (await cri.containerStatus({ containerId }, { deadlineMs: 5_000 })).status;
  const path = (await statusOf())?.logPath ?? "";
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const source = {
    path,
    isRunning: async () => {
      try {
        return (await statusOf())?.state === "CONTAINER_RUNNING";
      } catch (error) {
        if (isRpcError(error, "NOT_FOUND")) return false;
        throw error;
      }
    },
  };
  try {
    for await (const chunk of readLog(source, wanted, { clock, signal: AbortSignal.any([gone.signal, options.signal]) })) {
      if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
      if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
    }
  } catch (error) {
    if (gone.signal.aborted) return;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new RequestError(400, `failed to try resolving symlinks in path ${JSON.stringify(path)}: lstat ${path}: no such file or directory`);
    throw error;
  }
  if (!response.headersSent) response.writeHead(200, { "content-type": "text/plain" });
  response.end();
}

const flag = (query: URLSearchParams, name: string): boolean => ["1", "true"].includes(query.get(name) ?? "");

function streamsOf(query: URLSearchParams): RemoteCommandStreams {
  const tty = flag(query, "tty");
  const streams = { stdin: flag(query, "input"), stdout: flag(query, "output"), stderr: flag(query, "error") && !tty, tty };
  if (!streams.stdin && !streams.stdout && !streams.stderr) throw new RequestError(400, "you must specify at least 1 of stdin, stdout, stderr");
  return streams;
}

async function upgrade(options: KubeletServerOptions, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const { log, signal } = options;
  const url = new URL(request.url ?? "/", "https://node");
  socket.on("error", () => {}); // The client went; the streams below end with it.
  try {
    await admit(options, request, url.pathname);
    const [, first = "", namespace = "", name = "", ...rest] = partsOf(url.pathname);
    const pod = podAt(options, namespace, name);
    const webSocket = (request.headers.upgrade ?? "").toLowerCase() === "websocket";
    const connection = { request, socket, head, signal };
    if (first === "portForward") await forwardPorts(options, pod, url.searchParams, connection, webSocket);
    else if (first === "exec" || first === "attach") await remoteCommand(options, { first, pod, container: rest.at(-1) ?? "", query: url.searchParams }, connection, webSocket);
    else throw new RequestError(404, "404 page not found");
  } catch (error) {
    const [code, text] =
      error instanceof RequestError ? [error.code, error.message]
      : error instanceof UpgradeRefusedError ? [error.statusCode, error.message]
      : [500, error instanceof Error ? error.message : String(error)];
    if (!(error instanceof RequestError || error instanceof UpgradeRefusedError) && !socket.destroyed) log.error("an upgrade of a connection failed", { path: url.pathname, error });
    if (!socket.destroyed && socket.writable) {
      socket.end(`HTTP/1.1 ${code} ${code === 500 ? "Internal Server Error" : "Refused"}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
    }
  }
}

interface UpgradeConnection {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly signal: AbortSignal;
}

async function remoteCommand(
  options: KubeletServerOptions, { first, pod, container, query }: { readonly first: "exec" | "attach"; readonly pod: Pod; readonly container: string; readonly query: URLSearchParams },
  connection: UpgradeConnection, webSocket: boolean,
): Promise<void> {
  const { cri, pods } = options;
  const streams = streamsOf(query);
  const protocol = webSocket ? chooseProtocol(requestedProtocols(connection.request), remoteCommandProtocols) : "";
  if (protocol === undefined) throw new RequestError(400, `requested protocol(s) are not supported: ${requestedProtocols(connection.request).join(", ")}`);
  const containerId = await pods.runningContainerId(pod.metadata.uid ?? "", container);
  if (containerId === undefined) throw new RequestError(500, first === "exec" ? `container not found (${JSON.stringify(container)})` : `container ${container} not found in pod ${pod.metadata.name}_${pod.metadata.namespace}`);
  const common = { containerId, stdin: streams.stdin, stdout: streams.stdout, stderr: streams.stderr, tty: streams.tty };
  const { url } = first === "exec" ? await cri.exec({ ...common, cmd: query.getAll("command") }, { deadlineMs: 10_000 }) : await cri.attach(common, { deadlineMs: 10_000 });
  if (webSocket) await serveRemoteCommand({ ...connection, protocol, streams, url });
  else await passThrough(url, connection);
}

async function forwardPorts(options: KubeletServerOptions, pod: Pod, query: URLSearchParams, connection: UpgradeConnection, webSocket: boolean): Promise<void> {
  const podSandboxId = await options.pods.sandboxId(pod.metadata.uid ?? "");
  if (podSandboxId === undefined) throw new RequestError(500, `failed to find sandbox for pod ${pod.metadata.name}`);
  const ports = query.getAll("ports").concat(query.getAll("port")).flatMap((each) => each.split(",")).filter((each) => each !== "").map((each) => {
    if (!/^\d{1,5}$/.test(each) || Number(each) > 65_535) throw new RequestError(400, `unable to parse ${JSON.stringify(each)} as a port`);
    if (Number(each) < 1) throw new RequestError(400, `port ${JSON.stringify(each)} must be > 0`);
    return Number(each);
  });
  const { url } = await options.cri.portForward({ podSandboxId, port: ports }, { deadlineMs: 10_000 });
  if (!webSocket) return passThrough(url, connection);
  const requested = requestedProtocols(connection.request);
  if (requested.includes(tunnelProtocol)) return serveTunnel({ ...connection, url });
  const protocol = chooseProtocol(requested, portForwardChannelProtocols);
  if (protocol === undefined) throw new RequestError(400, `requested protocol(s) are not supported: ${requested.join(", ")}`);
  if (ports.length === 0) throw new RequestError(400, `query parameter "port" is required`);
  return servePortChannels({ ...connection, url, protocol, ports });
}

/** A client that speaks SPDY itself: the runtime does as well, so the node only joins the two. */
async function passThrough(url: string, { request, socket, head, signal }: UpgradeConnection): Promise<void> {
  const offered = request.headers["x-stream-protocol-version"] ?? [];
  const upgraded = await upgradeToSpdy(url, { protocols: [offered].flat().flatMap((each) => each.split(",").map((one) => one.trim())), signal });
  const chosen = upgraded.headers["x-stream-protocol-version"];
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${chosen === undefined ? "" : `X-Stream-Protocol-Version: ${[chosen].flat().join(", ")}\r\n`}\r\n`);
  if (upgraded.head.length > 0) socket.write(upgraded.head);
  if (head.length > 0) upgraded.socket.write(head);
  await joinStreams(socket, upgraded.socket);
}
