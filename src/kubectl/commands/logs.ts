import type { Pod } from "../../api/generated/core-v1.ts";
import { isNotFound, StatusError } from "../../apimachinery/status-error.ts";
import { TimeoutError, timeoutSignal } from "../../stdx/abort.ts";
import { messageOf, UsageError } from "../errors.ts";
import type { KubectlCommand } from "../command.ts";
import type { ParsedFlags } from "../flags.ts";
import { podTimeoutFlag, selectorFlag } from "../global-flags.ts";
import { allContainerNames, byActivity, chosenForLogs, containerOf, objectFor, podsOf, podsPath, streamLog } from "../requests/pods.ts";
import type { Session } from "../session.ts";

interface Source {
  readonly pod: Pod;
  readonly container: string;
}

const retryDelayMs = 1_000;
const usage = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command";

function queryOf(flags: ParsedFlags): Readonly<Record<string, string>> {
  const sinceMs = flags.durationMs("since");
  const tail = flags.text("selector") !== "" && !flags.given.has("tail") ? 10 : flags.int("tail");
  if (flags.text("since-time") !== "" && sinceMs !== 0) throw new Error("at most one of `sinceTime` or `sinceSeconds` may be specified");
  if (flags.int("limit-bytes") < 0) throw new Error("--limit-bytes must be greater than 0");
  if (sinceMs < 0) throw new Error("--since must be greater than 0");
  if (tail < -1) throw new Error("--tail must be greater than or equal to -1");
  return {
    ...(flags.bool("follow") && { follow: "true" }), ...(flags.bool("previous") && { previous: "true" }), ...(flags.bool("timestamps") && { timestamps: "true" }),
    ...(flags.text("since-time") !== "" && { sinceTime: flags.text("since-time") }), ...(sinceMs > 0 && { sinceSeconds: String(Math.round(sinceMs / 1000)) }),
    ...(flags.int("limit-bytes") > 0 && { limitBytes: String(flags.int("limit-bytes")) }), ...(tail !== -1 && { tailLines: String(tail) }),
    ...(flags.bool("insecure-skip-tls-verify-backend") && { insecureSkipTLSVerifyBackend: "true" }),
  };
}

function sourcesOf(session: Session, pods: readonly Pod[], flags: ParsedFlags, container: string): readonly Source[] {
  return pods.flatMap((pod): readonly Source[] => {
    if (flags.bool("all-containers")) {
      const { initContainers = [], containers = [], ephemeralContainers = [] } = pod.spec ?? {};
      return [...initContainers, ...containers, ...(ephemeralContainers as readonly { readonly name: string }[])].map(({ name }) => ({ pod, container: name }));
    }
    if (container !== "" && !containerOf(pod, container)) throw new Error(`container ${container} is not valid for pod ${pod.metadata.name} out of: ${allContainerNames(pod)}`);
    return [{ pod, container: chosenForLogs(session, pod, container).container.name }];
  });
}

async function podsFor(session: Session, flags: ParsedFlags, argument: string, namespace: string): Promise<readonly Pod[]> {
  if (flags.text("selector") !== "") {
    const { items = [] } = await session.json<{ readonly items?: readonly Pod[] }>({ method: "GET", path: podsPath(namespace), resource: "pods", query: { labelSelector: flags.text("selector") } });
    if (items.length === 0) session.warn(`No resources found in ${namespace} namespace.`);
    return items;
  }
  let object: Awaited<ReturnType<typeof objectFor>>;
  try {
    object = await objectFor(session, argument, namespace);
  } catch (error) {
    if (isNotFound(error)) throw new Error(`error from server (NotFound): ${error.message} in namespace ${JSON.stringify(namespace)}`, { cause: error });
    throw error;
  }
  if (object["kind"] === "Pod") return [object as unknown as Pod];
  const pods = (await podsOf(session, object)).toSorted(byActivity);
  const [first] = pods;
  if (!first) throw new Error("timed out waiting for the condition");
  if (pods.length > 1 && flags.bool("all-pods")) return pods;
  if (pods.length > 1) session.warn(`Found ${pods.length} pods, using pod/${first.metadata.name}`);
  return [first];
}

/** Writes whole lines only, each with its prefix, so that several logs do not run into each other. */
class Lines {
  readonly #write: (data: Uint8Array) => unknown;
  readonly #prefix: Buffer;
  #rest = Buffer.alloc(0);

  constructor(write: (data: Uint8Array) => unknown, prefix: string) {
    this.#write = write;
    this.#prefix = Buffer.from(prefix);
  }
  take(chunk: Uint8Array): void {
    let data = Buffer.concat([this.#rest, chunk]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      this.#line(data.subarray(0, end + 1));
      data = data.subarray(end + 1);
    }
    this.#rest = data;
  }
  end(): void {
    if (this.#rest.length > 0) this.#line(this.#rest);
    this.#rest = Buffer.alloc(0);
  }
  #line(line: Uint8Array): void {
    this.#write(this.#prefix.length === 0 ? line : Buffer.concat([this.#prefix, line]));
  }
}

async function consume(session: Session, { pod, container }: Source, flags: ParsedFlags, query: Readonly<Record<string, string>>, several: boolean): Promise<void> {
  const prefix = flags.bool("prefix") || flags.bool("all-pods") ? `[pod/${pod.metadata.name}/${container}] ` : "";
  const lines = prefix === "" && !several ? undefined : new Lines((data) => session.stdout.write(data), prefix);
  const read = async (): Promise<void> => {
    await streamLog(session, pod, { container, ...query }, (chunk) => (lines ? lines.take(chunk) : session.stdout.write(chunk)));
    lines?.end();
  };
  if (!flags.bool("follow")) {
    try {
      return await read();
    } catch (error) {
      if (!flags.bool("ignore-errors")) throw error;
      session.stdout.write(`error: ${messageOf(error)}\n`);
      return;
    }
  }
  using time = timeoutSignal(session.streams.clock, flags.durationMs("pod-running-timeout"), "timed out waiting for the condition", session.signal);
  for (;;) {
    try {
      return await read();
    } catch (error) {
      session.signal.throwIfAborted();
      if (flags.bool("ignore-errors")) {
        session.stdout.write(`error: ${messageOf(error)}\n`);
        return;
      }
      session.warn(messageOf(error));
      if (!(error instanceof StatusError)) throw error;
      if (time.signal.aborted && time.signal.reason instanceof TimeoutError) throw new Error("timed out waiting for the condition", { cause: error });
      await session.streams.clock.sleep(retryDelayMs, { signal: session.signal });
    }
  }
}

export const logs: KubectlCommand = {
  use: "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
  flags: [
    selectorFlag, podTimeoutFlag("20s"), { name: "all-containers", type: "bool" }, { name: "all-pods", type: "bool" }, { name: "container", short: "c", type: "string" }, { name: "follow", short: "f", type: "bool" },
    { name: "ignore-errors", type: "bool" }, { name: "insecure-skip-tls-verify-backend", type: "bool" }, { name: "limit-bytes", type: "int", default: "0" }, { name: "max-log-requests", type: "int", default: "5" },
    { name: "prefix", type: "bool" }, { name: "previous", short: "p", type: "bool" }, { name: "since", type: "duration", default: "0s" }, { name: "since-time", type: "string" }, { name: "tail", type: "int", default: "-1" },
    { name: "timestamps", type: "bool" },
  ],
  async run(session, flags) {
    const { args } = flags;
    if ((args.length === 0 && flags.text("selector") === "") || args.length > 2) throw new UsageError(usage);
    if (args.length === 1 && flags.text("selector") !== "") throw new UsageError("only a selector (-l) or a POD name is allowed");
    const container = args[1] ?? flags.text("container");
    const query = queryOf(flags);
    const { namespace } = await session.namespace();
    const pods = await podsFor(session, flags, args[0] ?? "", namespace);
    if (flags.bool("all-containers") && container !== "") throw new Error(`--all-containers=true should not be specified with container name ${container}`);
    if (flags.given.has("container") && args.length === 2) throw new Error("only one of -c or an inline [CONTAINER] arg is allowed");
    const sources = sourcesOf(session, pods, flags, container);
    if (flags.bool("follow") && sources.length > 1) {
      const limit = flags.int("max-log-requests");
      if (sources.length > limit) throw new Error(`you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${limit}, use --max-log-requests to increase the limit`);
      await Promise.all(sources.map((source) => consume(session, source, flags, query, true)));
    } else for (const source of sources) await consume(session, source, flags, query, sources.length > 1);
  },
};

