import type { RpcTls } from "../../stdx/grpc-connection.ts";

/** One member of an etcd cluster, as a client reaches it. */
export interface Endpoint {
  /** "10.0.0.1:2379" */
  readonly address: string;
  readonly tls: boolean;
}

export interface EtcdLocation {
  readonly endpoints: readonly Endpoint[];
  /** What the connections are made with, where an endpoint begins with https. */
  readonly tls?: RpcTls;
}

const defaultPort = 2379;

/** Reads "https://a:2379,https://b:2379". @throws {TypeError} for anything else. */
export function parseEndpoints(text: string): readonly Endpoint[] {
  const endpoints = text.split(",").filter((part) => part !== "").map((part): Endpoint => {
    const url = URL.canParse(part) ? new URL(part) : undefined;
    if (!url || (url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "" || url.pathname !== "/" || url.search !== "") {
      throw new TypeError(`${JSON.stringify(part)} is no endpoint of etcd: it looks like https://10.0.0.1:2379`);
    }
    // A port that is the protocol's own is not kept by URL.
    const port = url.port === "" ? /:\d+\/?$/.exec(part)?.[0].replaceAll(/\D/g, "") ?? String(defaultPort) : url.port;
    return { address: `${url.hostname}:${port}`, tls: url.protocol === "https:" };
  });
  if (endpoints.length === 0) throw new TypeError("no endpoint of etcd is given");
  return endpoints;
}
