import { connect, type ClientHttp2Session } from "node:http2";
import { createInterface } from "node:readline";

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The header of that name. */
  readonly retryAfter: string | undefined;
}

/** The connection broke, so that it is not known what became of the request. */
export class BrokenError extends Error {
  override readonly name = "BrokenError";
}

export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** One HTTP/2 connection, as plain as can be: what is asked and what is answered, and nothing made again. */
export class HttpsClient implements Disposable {
  readonly #session: ClientHttp2Session;

  constructor(port: number, credentials: Credentials) {
    this.#session = connect(`https://127.0.0.1:${port}`, { ...credentials });
    this.#session.on("error", () => {}); // Told by the requests.
  }

  /** @throws {BrokenError} when the answer did not come whole. */
  request(method: string, path: string, body?: unknown): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const stream = this.#stream(method, path, body === undefined ? undefined : JSON.stringify(body));
    if (!stream) return Promise.reject(new BrokenError("the connection is closed"));
    let status = 0;
    let retryAfter: string | undefined;
    let text = "";
    let complete = false;
    stream.setEncoding("utf8");
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      retryAfter = headers["retry-after"];
    });
    stream.on("data", (chunk: string) => void (text += chunk));
    stream.on("end", () => void (complete = true));
    stream.on("error", () => {});
    stream.on("close", () => (complete && status > 0 && stream.rstCode === 0 ? resolve({ status, body: text, retryAfter }) : reject(new BrokenError(`${method} ${path} was not answered`))));
    return promise;
  }

  /** Lines of an answer that goes on; ends when the connection does. A last line that is cut off is not one. */
  async *lines(path: string): AsyncGenerator<string, void> {
    const stream = this.#stream("GET", path, undefined);
    if (!stream) return;
    stream.on("error", () => {});
    const lines = createInterface({ input: stream });
    // A stream that is broken off does not end.
    stream.on("close", () => lines.close());
    try {
      for await (const line of lines) {
        try {
          JSON.parse(line);
        } catch {
          return;
        }
        yield line;
      }
    } catch (error) {
      if (!stream.errored) throw error; // Else the connection broke, which is an end like any other.
    } finally {
      stream.close();
    }
  }

  #stream(method: string, path: string, body: string | undefined) {
    if (this.#session.closed || this.#session.destroyed) return undefined;
    const stream = this.#session.request({ ":method": method, ":path": path, "accept": "application/json", ...(body !== undefined && { "content-type": "application/json" }) });
    stream.end(body);
    return stream;
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}
