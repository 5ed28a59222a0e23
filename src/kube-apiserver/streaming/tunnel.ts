import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { StatusError } from "../../apimachinery/status-error.ts";
import { joinStreams } from "../../stdx/join-streams.ts";
import type { Location } from "./location.ts";

/** How we prove to kubelets who we are, and know them. */
export interface KubeletTls {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

const connectMsMax = 10_000;

const dialCauses: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused", EHOSTUNREACH: "no route to host", ENETUNREACH: "network is unreachable", ETIMEDOUT: "connection timed out", ECONNRESET: "connection reset by peer",
};

/** Why a connection did not come about, in the words that clients know. */
export function dialText({ host, port }: Location, error: Error): string {
  const cause = dialCauses["code" in error ? String(error.code) : ""];
  return cause === undefined || !("syscall" in error) ? error.message : `${error.syscall === "connect" ? `dial tcp ${host}:${port}` : `read tcp ${host}:${port}`}: ${String(error.syscall)}: ${cause}`;
}

/** A connection to where a location points. @throws {StatusError} when there is none to be had. */
export function dial(location: Location, tls: KubeletTls, signal: AbortSignal): Promise<Duplex> {
  const { host, port, scheme, kubelet } = location;
  return new Promise((resolve, reject) => {
    // A server of the user's has a certificate that nobody here can check; upstream does not either.
    const socket = scheme === "http" ? connectTcp({ host, port }) : connectTls({ host, port, ALPNProtocols: ["http/1.1"], ...(kubelet ? { cert: tls.certificate, key: tls.key, ca: tls.ca } : { rejectUnauthorized: false }) });
    const fail = (error: Error) => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      reject(new StatusError("InternalError", `error dialing backend: ${dialText(location, error)}`, { code: 500, cause: error }));
    };
    const abort = () => fail(new Error("the request ended"));
    signal.addEventListener("abort", abort, { once: true });
    socket.setTimeout(connectMsMax, () => fail(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once("error", fail);
    socket.once(scheme === "http" ? "connect" : "secureConnect", () => {
      signal.removeEventListener("abort", abort);
      socket.off("error", fail);
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** Headers of the client's that say who it is or how its own connection works; they end with us. */
const ownHeaders: ReadonlySet<string> = new Set(["authorization", "host", "content-length", "transfer-encoding", "te", "trailer", "keep-alive", "proxy-authorization", "http2-settings"]);

/** The head of an upgrade request as it goes on to the backend. */
export function upgradeHead(method: string, location: Location, headers: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const lines = [`${method} ${location.path} HTTP/1.1`, `Host: ${location.host}:${location.port}`];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || ownHeaders.has(name) || name.startsWith(":") || name.startsWith("impersonate-")) continue;
    for (const each of [value].flat()) lines.push(`${name}: ${String(each).replaceAll(/[\r\n]/g, " ")}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Carries an upgraded connection between client and backend, the backend's answer to the upgrade included, until both have ended. */
export async function tunnel(client: Duplex, head: Buffer, requestHead: string, backend: Duplex): Promise<void> {
  backend.write(requestHead);
  if (head.length > 0) backend.write(head);
  await joinStreams(client, backend);
}
