import { http } from "../../stdx/http-module.ts";
import type { Duplex } from "node:stream";

/** An upgrade that the runtime's streaming server granted. */
export interface Upgraded {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The runtime's streaming server answered something else than 101. */
export class UpgradeRefusedError extends Error {
  override readonly name = "UpgradeRefusedError";
  readonly statusCode: number;

  constructor(statusCode: number, text: string) {
    super(text === "" ? `the runtime answers ${statusCode}` : text);
    this.statusCode = statusCode;
  }
}

const refusalBytesMax = 64 * 1024;

/** Asks the runtime to speak SPDY on the connection for a URL that it handed out. @throws {UpgradeRefusedError} */
export function upgradeToSpdy(url: string, options: { readonly protocols: readonly string[]; readonly signal: AbortSignal }): Promise<Upgraded> {
  const { protocols, signal } = options;
  return new Promise((resolve, reject) => {
    const asking = http.request(url, {
      method: "POST", signal, agent: false,
      headers: { "Connection": "Upgrade", "Upgrade": "SPDY/3.1", "Content-Length": "0", ...(protocols.length > 0 && { "X-Stream-Protocol-Version": [...protocols] }) },
    });
    asking.on("upgrade", (response, socket, head) => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve({ socket, head, headers: response.headers });
    });
    asking.on("response", (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on("data", (part: Buffer) => (size += part.length) <= refusalBytesMax && parts.push(part));
      response.on("end", () => reject(new UpgradeRefusedError(response.statusCode ?? 500, Buffer.concat(parts).toString().trim())));
    });
    asking.on("error", reject);
    asking.end();
  });
}
