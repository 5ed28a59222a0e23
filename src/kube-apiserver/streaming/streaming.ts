import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { WebSocketServer } from "ws";
import type { Pod } from "../../api/generated/core-v1.ts";
import { badRequest, StatusError } from "../../apimachinery/status-error.ts";
import type { ClusterReader } from "../access.ts";
import { logLocation, proxyLocation, streamLocation, type Location } from "./location.ts";
import type { StreamingHandler, StreamingRequest, StreamingResponse } from "./streaming-handler.ts";
import { dial, dialText, tunnel, upgradeHead, type KubeletTls } from "./tunnel.ts";

export interface StreamingOptions {
  readonly reader: ClusterReader;
  readonly kubelet: KubeletTls;
  readonly random: () => number;
}

const errorBytesMax = 64 * 1024;
const hopByHop: ReadonlySet<string> = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer", "http2-settings", "host"]);
const ownHeaders: ReadonlySet<string> = new Set(["authorization", "content-length"]);
const logProtocols = ["binary.k8s.io", "base64.binary.k8s.io"] as const;

const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: errorBytesMax, handleProtocols: (offered) => logProtocols.find((each) => offered.has(each)) ?? false });

/** What is answered by somebody else: a kubelet for logs, exec, attach and port-forward; a pod, a Service or a node for proxies. */
export const streamingHandler = (options: StreamingOptions): StreamingHandler => ({
  async serve(request, response) {
    const { info } = request;
    if (info.subresource === "proxy") await serveProxy(options, request, response);
    else if (info.subresource === "log") await serveLog(options, request, response);
    else throw badRequest("Upgrade request required");
  },

  async upgrade(request, socket, head) {
    const { info, query } = request;
    if (info.subresource === "log") return serveLogOverWebSocket(options, request, socket, head);
    const location = info.subresource === "proxy" ? proxied(options, request) : streamLocation(options.reader, request.object as Pod, info.subresource as "exec", query);
    const backend = await dial(location, options.kubelet, request.signal);
    // A kubelet upgrades whatever the method is, and WebSocket clients come with GET.
    await tunnel(socket, head, upgradeHead(request.method, location, request.headers), backend);
  },
});

/** The path of a proxied request, as the client wrote it: what leads to us, and what is the proxied server's to read. */
export function splitProxyPath(path: string, resource: string): { readonly prefix: string; readonly rest: string } {
  // /api/v1/nodes/NAME/proxy/… and /api/v1/namespaces/NAMESPACE/pods/NAME/proxy/…
  const own = resource === "nodes" ? 6 : 8;
  const parts = path.split("/");
  return { prefix: parts.slice(0, own).join("/"), rest: parts.length > own ? `/${parts.slice(own).join("/")}` : "" };
}

function proxied({ reader, random }: StreamingOptions, { info, rawQuery }: StreamingRequest): Location {
  const { rest } = splitProxyPath(info.path, info.resource);
  return proxyLocation(reader, info.resource, info.namespace, info.name, `${rest === "" ? "/" : rest}${rawQuery === "" ? "" : `?${rawQuery}`}`, random);
}

interface Exchange {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: NodeJS.ReadableStream | undefined;
  readonly signal: AbortSignal;
}

/** @throws {StatusError} when nobody answers. */
function exchange(location: Location, { kubelet }: StreamingOptions, { method, headers, body, signal }: Exchange): Promise<IncomingMessage> {
  const { scheme, host, port, path } = location;
  return new Promise((resolve, reject) => {
    const tls = location.kubelet ? { cert: kubelet.certificate, key: kubelet.key, ca: kubelet.ca } : { rejectUnauthorized: false };
    const common = { host, port, path, method, headers, signal, agent: false as const };
    const sent = scheme === "http" ? httpRequest(common) : httpsRequest({ ...common, ...tls });
    sent.on("response", resolve);
    sent.on("error", (error) => reject(signal.aborted ? error : new StatusError("ServiceUnavailable", `error trying to reach service: ${dialText(location, error)}`, { cause: error })));
    if (body) body.pipe(sent);
    else sent.end();
  });
}

async function serveProxy(options: StreamingOptions, request: StreamingRequest, response: StreamingResponse): Promise<void> {
  const { info, rawQuery, method } = request;
  const { prefix, rest } = splitProxyPath(info.path, info.resource);
  if (rest === "" && (method === "GET" || method === "HEAD")) {
    // Relative links of the page behind it would lead nowhere.
    response.begin(301, { "location": `${info.path}/${rawQuery === "" ? "" : `?${rawQuery}`}`, "content-length": "0" }).end();
    return;
  }
  const location = proxied(options, request);
  const passed = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !hopByHop.has(name) && !ownHeaders.has(name) && !name.startsWith(":") && !name.startsWith("impersonate-")));
  const hasBody = !["GET", "HEAD", "DELETE", "OPTIONS"].includes(request.method) || request.headers["content-length"] !== undefined;
  const headers = { ...passed, ...(hasBody && request.headers["content-length"] !== undefined && { "content-length": request.headers["content-length"] }), host: `${location.host}:${location.port}` };
  const answer = await exchange(location, options, { method: request.method, headers, body: hasBody ? request.body : undefined, signal: request.signal });
  await passOn(answer, response, (target) => throughProxy(target, { prefix, hosts: [`${location.host}:${location.port}`, request.headers.host ?? ""] }));
}

/** A redirection to the same server, as a client has to follow it through us. */
export function throughProxy(target: string, { prefix, hosts }: { readonly prefix: string; readonly hosts: readonly string[] }): string {
  const [, host, path = ""] = /^(?:https?:\/\/([^/]*))?(.*)$/.exec(target) ?? [];
  const elsewhere = host !== undefined && !hosts.includes(host);
  if (elsewhere || !path.startsWith("/") || path.startsWith(prefix)) return target;
  return `${prefix}${path}`;
}

async function passOn(answer: IncomingMessage, response: StreamingResponse, redirected: (target: string) => string): Promise<void> {
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined && !hopByHop.has(name)) headers[name] = value;
  const { location } = answer.headers;
  if (location !== undefined) headers["location"] = redirected(location);
  await pipeline(answer, response.begin(answer.statusCode ?? 502, headers));
}

/** The log of a pod as a stream of bytes; undefined when the pod is on no node yet. @throws {StatusError} with what the kubelet said. */
async function openLog(options: StreamingOptions, request: StreamingRequest): Promise<IncomingMessage | undefined> {
  const location = logLocation(options.reader, request.object as Pod, request.query);
  if (!location) return undefined;
  const answer = await exchange(location, options, { method: "GET", headers: { host: `${location.host}:${location.port}` }, body: undefined, signal: request.signal });
  const code = answer.statusCode ?? 500;
  if (code < 400) return answer;
  const text = await textOf(answer);
  if (code === 400) throw badRequest(text);
  if (code === 500) throw new StatusError("InternalError", `Internal error occurred: ${text}`, { details: { causes: [{ message: text }] } });
  const reason = code === 404 ? "NotFound" : code === 403 ? "Forbidden" : code === 422 ? "Invalid" : "Unknown";
  const { name = "" } = request.object.metadata;
  const what = code === 404 ? "the server could not find the requested resource" : text;
  throw new StatusError(reason, `${what} ( pods/log ${name})`, { code, details: { name, kind: "pods/log", causes: [{ reason: "UnexpectedServerResponse", message: text }] } });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer) if ((size += (part as Buffer).length) <= errorBytesMax) parts.push(part as Buffer);
  return Buffer.concat(parts).toString().trim();
}

async function serveLog(options: StreamingOptions, request: StreamingRequest, response: StreamingResponse): Promise<void> {
  const log = await openLog(options, request);
  const out = response.begin(200, { "content-type": "text/plain" });
  if (log) await pipeline(log, out);
  else out.end();
}

/** For clients that can only speak WebSocket: each message is a piece of the log. */
async function serveLogOverWebSocket(options: StreamingOptions, request: StreamingRequest, socket: Duplex, head: Buffer): Promise<void> {
  if ((request.headers.upgrade ?? "").toLowerCase() !== "websocket") throw badRequest("Upgrade request required");
  const log = await openLog(options, request);
  const base64 = (request.headers["sec-websocket-protocol"] ?? "").includes("base64.");
  const handshake = { method: "GET", headers: request.headers, httpVersion: "1.1", url: request.info.path } as IncomingMessage;
  await new Promise<void>((resolve) => webSockets.handleUpgrade(handshake, socket, head, (webSocket) => {
    webSocket.on("error", () => webSocket.terminate()); // The client broke the protocol; `close` follows.
    webSocket.on("close", () => {
      log?.destroy();
      resolve();
    });
    void (async () => {
      try {
        for await (const part of log ?? []) await new Promise<void>((sent) => webSocket.send(base64 ? (part as Buffer).toString("base64") : (part as Buffer), { binary: !base64 }, () => sent()));
      } catch {
        // The log ended early because one of its ends went away; closing is all that is left.
      }
      webSocket.close(1000);
    })();
  }));
}
