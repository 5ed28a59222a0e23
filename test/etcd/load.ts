import assert from "node:assert/strict";
import { configmaps, type ConfigMap } from "../../src/api/generated/core-v1.ts";
import type { WatchEvent } from "../../src/apimachinery/object.ts";
import { isStatusError } from "../../src/apimachinery/status-error.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import type { TestServer } from "../api-server/fixture.ts";

export const namespace = "default";
const numberIn = ({ data }: ConfigMap): number => Number(data?.["n"]);

/**
 * Writers, each with an object of its own, count up through one server; whatever is acknowledged must be seen by reads of the other server from
 * then on, and by watches of both in order. Numbers, because it must be told apart whether something older or newer is shown.
 */
export class Load implements AsyncDisposable {
  readonly #servers: readonly TestServer[];
  readonly #stop = new AbortController();
  readonly #acknowledged = new Map<string, number>();
  readonly #watched: Map<string, number>[] = [];
  readonly #running: Promise<void>[];
  readonly problems: string[] = [];
  writes = 0;
  failures = 0;

  constructor(servers: readonly TestServer[], resourceVersion: string) {
    this.#servers = servers;
    const clients = servers.map(({ http }) => new TypedClient(http));
    this.#running = clients.flatMap((client, index) => {
      const other = clients[(index + 1) % clients.length] ?? client;
      return [this.#write(`${index}-a`, client, other), this.#write(`${index}-b`, client, other), this.#watch(client, resourceVersion)];
    });
  }

  async #write(name: string, client: TypedClient, other: TypedClient): Promise<void> {
    const object: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { n: "0" } };
    await client.create(configmaps, object);
    for (let next = 1; !this.#stop.signal.aborted;) {
      try {
        // Without a base, so that a write whose answer was lost is simply made again.
        await client.update(configmaps, { ...object, data: { n: String(next) } });
        this.#acknowledged.set(name, next++);
        this.writes++;
      } catch (error) {
        if (!isStatusError(error, "ServiceUnavailable", "Timeout")) throw error;
        this.failures++;
      }
      try {
        const least = this.#acknowledged.get(name) ?? 0;
        const read = numberIn(await other.get(configmaps, { namespace, name }));
        if (read < least) this.problems.push(`${name}: ${least} was acknowledged, and then ${read} was read`);
      } catch (error) {
        if (!isStatusError(error, "ServiceUnavailable", "Timeout")) throw error;
        this.failures++;
      }
    }
  }

  /** Numbers of one object may be skipped by nobody: each was a change of its own, unless its answer was lost. */
  async #watch(client: TypedClient, resourceVersion: string): Promise<void> {
    const last = new Map<string, number>();
    this.#watched.push(last);
    let version = 0;
    const watch = client.watch(configmaps, { namespace, resourceVersion, signal: this.#stop.signal });
    try {
      for await (const event of watch as AsyncIterable<WatchEvent<ConfigMap>>) {
        if (event.type !== "ADDED" && event.type !== "MODIFIED") {
          this.problems.push(`a watch got ${JSON.stringify(event)}`);
          break;
        }
        const { name = "", resourceVersion: at } = event.object.metadata;
        if (!/^\d-/.test(name)) continue;
        const number = numberIn(event.object);
        const expected = (last.get(name) ?? -1) + 1;
        if (number !== expected) this.problems.push(`a watch saw ${name} go to ${number} instead of ${expected}`);
        if (Number(at) <= version) this.problems.push(`a watch went back from ${version} to ${at}`);
        version = Number(at);
        last.set(name, number);
      }
      if (!this.#stop.signal.aborted) this.problems.push("a watch ended");
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  /** Resolves when every writer has got so many more writes acknowledged: the service works. */
  async works(more: number): Promise<void> {
    const targets = new Map([...this.#acknowledged].map(([name, number]) => [name, number + more]));
    const { signal } = this.#stop;
    while (![...targets].every(([name, target]) => (this.#acknowledged.get(name) ?? 0) >= target) || targets.size === 0) {
      await Promise.race([systemClock.sleep(10, { signal }), ...this.#running]);
      if (targets.size === 0) for (const [name, number] of this.#acknowledged) targets.set(name, number + more);
    }
  }

  /** Everything acknowledged is there, read through each server, and the watches have told of it. */
  async check(): Promise<void> {
    const acknowledged = new Map(this.#acknowledged);
    for (const { http } of this.#servers) {
      const { items } = await new TypedClient(http).list(configmaps, { namespace });
      for (const [name, number] of acknowledged) {
        const found = items.find(({ metadata }) => metadata.name === name);
        if (!found || numberIn(found) < number) this.problems.push(`${name}: ${number} was acknowledged, but ${found ? numberIn(found) : "nothing"} is there`);
      }
    }
    // A bookmark's worth of patience: the events are under way to the client when its server has answered.
    const until = systemClock.now() + 10_000;
    const behind = () => this.#watched.some((last) => [...acknowledged].some(([name, number]) => (last.get(name) ?? -1) < number));
    while (behind() && systemClock.now() < until) await systemClock.sleep(10, { signal: this.#stop.signal });
    if (behind()) this.problems.push("a watch did not tell what was acknowledged");
    assert.deepEqual(this.problems, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}
