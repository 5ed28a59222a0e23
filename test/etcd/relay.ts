import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** What stands before several servers: passes connections on to the one that was chosen, and knows nothing of what they carry. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port: number;

  private constructor(port: number) {
    this.#port = port;
    this.#server = createServer((socket) => this.#pass(socket));
  }

  static async start(to: number): Promise<Relay> {
    const relay = new Relay(to);
    relay.#server.listen(0, "127.0.0.1");
    await once(relay.#server, "listening");
    return relay;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** New connections go to this port of loopback; those that are open stay where they are until their server ends. */
  to(port: number): void {
    this.#port = port;
  }

  #pass(socket: Socket): void {
    const onward = connect(this.#port, "127.0.0.1");
    for (const [from, into] of [[socket, onward], [onward, socket]] as const) {
      this.#sockets.add(from);
      from.pipe(into);
      from.on("error", () => into.destroy()).on("close", () => {
        this.#sockets.delete(from);
        into.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
