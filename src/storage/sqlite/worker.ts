import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { CompactedError, FutureRevisionError, OutcomeUnknownError, UnavailableError } from "../store.ts";
import { Database, type Write } from "./database.ts";
import { packChange, packEntry, Packer, type DatabaseOptions, type Failure, type ReadRequest, type ReadResult, type Request, type Response, type WriteResult } from "./protocol.ts";
import { RefusedError } from "./refused.ts";

/** The thread that owns the file. Whatever has queued up while a transaction was flushed shares the next one. */
const port = parentPort;
if (!port) throw new Error("worker.ts is started by SqliteStore only");
const send = (response: Response): void => port.postMessage(response, response.type === "read" ? [response.bytes] : []);

function open(): Database | undefined {
  try {
    return new Database(workerData as DatabaseOptions);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    send({ type: "refused", message: error.message });
    return undefined;
  }
}

const database = open();
if (database) {
  send({ type: "ready", revision: database.revision, compacted: database.compacted });
  port.on("message", (first: Request) => {
    const requests = [first];
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) requests.push(next.message as Request);
    const writes = requests.flatMap(({ writes, bytes }) => writes.map(({ key, expected, value }): Write => ({
      key, expected, ...(value && { value: new Uint8Array(bytes, value.start, value.length) }),
    })));
    if (writes.length > 0) send({ type: "writes", results: write(database, writes), requests: requests.filter((request) => request.writes.length > 0).length });
    for (const { reads } of requests) for (const request of reads) read(database, request);
  });
} else {
  port.close();
}

function write(database: Database, writes: readonly Write[]): WriteResult[] {
  try {
    return database.write(writes);
  } catch (error) {
    if (error instanceof OutcomeUnknownError) return writes.map(() => ({ unknown: error.message }));
    if (!(error instanceof UnavailableError)) throw error;
    return writes.map(() => ({ unavailable: error.message }));
  }
}

function read(database: Database, request: ReadRequest): void {
  const packer = new Packer();
  const answer = (result: ReadResult | Failure): void => send({ type: "read", id: request.id, result, bytes: packer.pack() });
  try {
    switch (request.call) {
      case "get": {
        const entry = database.get(request.key, request.revision);
        return answer({ entry: entry && packEntry(packer, entry) });
      }
      case "list": {
        const { prefix, after, limit, revision, count } = request;
        const listing = database.list(prefix, { after, limit, count, ...(revision !== undefined && { revision }) });
        return answer({ ...listing, entries: listing.entries.map((entry) => packEntry(packer, entry)) });
      }
      case "changes": {
        const { changes, upTo } = database.changes(request.prefix, request.after, request.limit);
        return answer({ changes: changes.map((change) => packChange(packer, change)), upTo });
      }
      case "compact":
        return compact(database, request.revision, answer);
      case "close":
        database.close();
        answer({ closed: true });
        return port?.close();
    }
  } catch (error) {
    answer(failureOf(error));
  }
}

/** In steps, between which the thread takes writes. */
function compact(database: Database, revision: number, answer: (result: ReadResult | Failure) => void): void {
  try {
    database.compactStep(revision);
    if (database.compacted < revision) {
      setImmediate(compact, database, revision, answer);
      return;
    }
    database.giveSpaceBack();
    answer({ compacted: database.compacted });
  } catch (error) {
    answer(failureOf(error));
  }
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CompactedError) return { error: "compacted", message };
  if (error instanceof FutureRevisionError) return { error: "future", message };
  if (error instanceof UnavailableError || error instanceof OutcomeUnknownError) return { error: "unavailable", message };
  return { error: "other", message };
}
