import { readFile } from "node:fs/promises";
import type { Connection } from "../client/connection.ts";
import { statusErrorOf } from "../client/http-answer.ts";
import { HttpTransport, type RawRequest, type RawResponse } from "../client/http-transport.ts";
import { connectionOf, inClusterConnection, kubeconfigPaths, loadKubeconfig, type Kubeconfig } from "../client/kubeconfig.ts";
import { withTimeout } from "../stdx/abort.ts";
import { parseDurationMs } from "../apimachinery/time.ts";
import { keelsonVersion } from "../stdx/version.ts";
import type { Output, Streams } from "./command.ts";
import { Discovery } from "./discovery.ts";
import type { ParsedFlags } from "./flags.ts";

export interface JsonRequest extends Omit<RawRequest, "body" | "headers"> {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** For the words of an error that the server did not explain: "pods". */
  readonly resource?: string;
}

/** What kubectl says of an answer that is no Status. */
function explained(text: string, status: number): string {
  if (text.trimStart().startsWith("{")) return text;
  if (status === 404) return "the server could not find the requested resource";
  return status >= 500 ? `an error on the server (${JSON.stringify(text.trim())}) has prevented the request from succeeding` : text;
}

export type Json = Readonly<Record<string, unknown>>;

/** One run of a command: its streams, and the cluster, which is only looked for when the command asks. */
export class Session implements Disposable {
  readonly streams: Streams;
  readonly commandPath: string;
  readonly #flags: ParsedFlags;
  readonly #warned = new Set<string>();
  #config: Promise<Kubeconfig> | undefined;
  #connection: Promise<Connection> | undefined;
  #transport: HttpTransport | undefined;
  #discovery: Promise<Discovery> | undefined;
  #server = "localhost:8080";

  constructor(streams: Streams, flags: ParsedFlags, commandPath: string) {
    this.streams = streams;
    this.#flags = flags;
    this.commandPath = commandPath;
  }

  get stdout(): Output {
    return this.streams.stdout;
  }
  get stderr(): Output {
    return this.streams.stderr;
  }
  get signal(): AbortSignal {
    return this.streams.signal;
  }
  get now(): number {
    return this.streams.clock.now();
  }
  /** Host and port, for messages. */
  get server(): string {
    return this.#server;
  }

  print(line: string): void {
    this.stdout.write(`${line}\n`);
  }
  warn(line: string): void {
    this.stderr.write(`${line}\n`);
  }
  /** As the server's warnings are told: once each. */
  warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.warn(`Warning: ${text}`);
  }

  get warnings(): number {
    return this.#warned.size;
  }

  get kubeconfigFiles(): readonly string[] {
    const path = this.#flags.text("kubeconfig");
    return kubeconfigPaths({ ...(path !== "" && { path }), env: this.streams.env });
  }

  kubeconfig(): Promise<Kubeconfig> {
    return (this.#config ??= loadKubeconfig(this.kubeconfigFiles));
  }

  connection(): Promise<Connection> {
    return (this.#connection ??= this.#connect());
  }

  async #connect(): Promise<Connection> {
    const config = await this.kubeconfig();
    const text = (name: string): string | undefined => (this.#flags.text(name) === "" ? undefined : this.#flags.text(name));
    const file = async (name: string): Promise<string | undefined> => (text(name) === undefined ? undefined : readFile(text(name) ?? "", "utf8"));
    const [context, cluster, user] = [text("context"), text("cluster"), text("user")];
    const inCluster = (config.clusters?.length ?? 0) === 0 && text("server") === undefined && this.streams.env["KUBERNETES_SERVICE_HOST"] !== undefined;
    const base = inCluster ? await inClusterConnection({ env: this.streams.env })
      : await connectionOf(config, { ...(context !== undefined && { context }), ...(cluster !== undefined && { cluster }), ...(user !== undefined && { user }) });
    const [server, certificateAuthority, clientCertificate, clientKey, token, username, tlsServerName, as] =
      [text("server"), await file("certificate-authority"), await file("client-certificate"), await file("client-key"), text("token"), text("username"), text("tls-server-name"), text("as")];
    const groups = this.#flags.list("as-group");
    const { tokenFile: _replaced, ...withoutTokenFile } = base;
    const connection: Connection = {
      ...(token === undefined ? base : withoutTokenFile),
      ...(server !== undefined && { server: server.includes("://") ? server.replace(/\/+$/, "") : `http://${server}` }),
      ...(certificateAuthority !== undefined && { certificateAuthority }), ...(clientCertificate !== undefined && { clientCertificate }), ...(clientKey !== undefined && { clientKey }),
      ...(token !== undefined && { token }), ...(username !== undefined && { username, password: this.#flags.text("password") }), ...(tlsServerName !== undefined && { tlsServerName }),
      ...(this.#flags.bool("insecure-skip-tls-verify") && { insecureSkipTlsVerify: true }),
      ...(as !== undefined && { impersonate: { user: as, ...(groups.length > 0 && { groups }), ...(text("as-uid") !== undefined && { uid: this.#flags.text("as-uid") }) } }),
    };
    this.#server = new URL(connection.server).host;
    return connection;
  }

  /** `explicit` when the user named it for this command. */
  async namespace(): Promise<{ readonly namespace: string; readonly explicit: boolean }> {
    const given = this.#flags.text("namespace");
    if (given !== "") return { namespace: given, explicit: true };
    const config = await this.kubeconfig();
    const contextName = this.#flags.text("context") === "" ? config["current-context"] : this.#flags.text("context");
    const context = config.contexts?.find(({ name }) => name === contextName)?.context;
    return { namespace: context?.namespace !== undefined && context.namespace !== "" ? context.namespace : "default", explicit: false };
  }

  async #ready(): Promise<HttpTransport> {
    const connection = await this.connection();
    return (this.#transport ??= new HttpTransport({ connection, clock: this.streams.clock, userAgent: `kubectl/keelson-${keelsonVersion}`, onWarning: (text) => this.warnOnce(text) }));
  }

  /** An answer of any status, as a stream. */
  async raw(request: RawRequest): Promise<RawResponse> {
    const transport = await this.#ready();
    return transport.raw({ ...request, signal: request.signal ?? this.signal });
  }

  /** @throws {StatusError} for an answer of 400 and above. */
  async text({ body, contentType = "application/json", accept = "application/json", resource = "", ...request }: JsonRequest): Promise<string> {
    const timeoutText = this.#flags.text("request-timeout");
    const timeoutMs = /^\d+$/.test(timeoutText) ? Number(timeoutText) * 1000 : parseDurationMs(timeoutText);
    const ask = async (signal: AbortSignal): Promise<string> => {
      using response = await this.raw({
        ...request, signal,
        headers: { accept, ...(body !== undefined && { "content-type": contentType }) },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      if (response.status >= 400) throw statusErrorOf(explained(text, response.status), response.status, { group: "", resource, verb: request.method === "POST" ? "create" : "get" });
      return text;
    };
    const signal = request.signal ?? this.signal;
    return timeoutMs > 0 ? withTimeout(ask, { clock: this.streams.clock, timeoutMs, message: "net/http: request canceled while waiting for response headers", signal }) : ask(signal);
  }

  async json<T = Json>(request: JsonRequest): Promise<T> {
    return JSON.parse(await this.text(request)) as T;
  }

  discovery(): Promise<Discovery> {
    return (this.#discovery ??= Discovery.load(this));
  }

  [Symbol.dispose](): void {
    this.#transport?.[Symbol.dispose]();
  }
}
