import { systemClock } from "../src/stdx/clock.ts";
import { keyOfChange, type Store } from "../src/storage/store.ts";
import { EtcdCluster } from "../test/etcd/etcd-cluster.ts";
import { BareEtcd } from "./bare-etcd.ts";
import { median, perSecond, type Row } from "./table.ts";

const valueBytes = 1500;
const inFlights = [1, 16, 64] as const;
const roundMs = 1_500;
const rounds = 3;
const events = 1_500;
/** Between the puts whose events are timed, so that none waits for another. */
const pauseMs = 1;

/** `cpuUs`: of this process, for each call, in microseconds; ours with the two watches of servers that follow. */
interface Figure { readonly perSecond: number; readonly p99Ms: number; readonly cpuUs: number }

const p99 = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const us = (value: number): string => `${value.toFixed(0)} µs`;

async function load(inFlight: number, one: () => Promise<unknown>): Promise<Figure> {
  const tookMs: number[] = [];
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() - began < roundMs) {
      const at = performance.now();
      await one();
      tookMs.push(performance.now() - at);
    }
  }));
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (tookMs.length / (performance.now() - began)) * 1000, p99Ms: p99(tookMs), cpuUs: (user + system) / tookMs.length };
}

const middle = (figures: readonly Figure[]): Figure => ({ perSecond: median(figures.map((each) => each.perSecond)), p99Ms: median(figures.map((each) => each.p99Ms)), cpuUs: median(figures.map((each) => each.cpuUs)) });

/** Creates through our store beside bare ones, and beside bare puts, of which etcd has a third less work; they take turns on the same etcd of one member. A store of another server watches, as one always does. */
async function creates(url: string, store: Store): Promise<Row[]> {
  using bare = new BareEtcd(url);
  const value = crypto.getRandomValues(new Uint8Array(valueBytes));
  let next = 0;
  const rows: Row[] = [];
  for (const inFlight of inFlights) {
    const [ours, raw, puts]: [Figure[], Figure[], Figure[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      puts.push(await load(inFlight, () => bare.put(`/bare/configmaps/default/bench-${next++}`, value)));
      raw.push(await load(inFlight, () => bare.create(`/bare/configmaps/default/bench-${next++}`, value)));
      ours.push(await load(inFlight, () => store.put(`/registry/configmaps/default/bench-${next++}`, value, { expected: 0 })));
    }
    const [measured, limit, put] = [middle(ours), middle(raw), middle(puts)];
    rows.push(
      { what: `etcd: durable creates of 1.5 KB, ${inFlight} in flight`, measured: perSecond(measured.perSecond), raw: `bare creates: ${perSecond(limit.perSecond)} (puts ${perSecond(put.perSecond)}); CPU a call ${us(measured.cpuUs)}, bare ${us(limit.cpuUs)}`, ratio: measured.perSecond / limit.perSecond },
      { what: `etcd: p99 of these, ${inFlight} in flight`, measured: ms(measured.p99Ms), raw: `bare creates: ${ms(limit.p99Ms)} (puts ${ms(put.p99Ms)})`, ratio: measured.p99Ms / limit.p99Ms },
    );
  }
  return rows;
}

/** From the moment at which somebody's put was acknowledged to the moment at which it was seen, by a watch of the store and by a bare one. */
async function latency(url: string, store: Store): Promise<Row[]> {
  using bare = new BareEtcd(url);
  using watching = new BareEtcd(url);
  const prefix = "/registry/bench/";
  const seenMs = { ours: new Map<string, number>(), bare: new Map<string, number>() };
  const all = Promise.withResolvers<void>();
  const seen = (by: keyof typeof seenMs, key: string): void => {
    seenMs[by].set(key, performance.now());
    if (seenMs.ours.size >= events && seenMs.bare.size >= events) all.resolve();
  };
  const stream = watching.watch(prefix, (key) => seen("bare", key));
  using watch = store.watch(prefix, { after: store.revision });
  const reading = (async () => {
    for await (const change of watch) seen("ours", keyOfChange(change));
  })();
  const signal = new AbortController().signal;
  await systemClock.sleep(200, { signal }); // Both watches are there.
  const value = crypto.getRandomValues(new Uint8Array(valueBytes));
  const doneMs = new Map<string, number>();
  for (let i = 0; i < events; i++) {
    const key = `${prefix}${i}`;
    await bare.put(key, value);
    doneMs.set(key, performance.now());
    await systemClock.sleep(pauseMs, { signal });
  }
  await all.promise;
  stream.close();
  watch[Symbol.dispose]();
  await reading;
  const late = (by: keyof typeof seenMs): number => p99([...doneMs].map(([key, done]) => Math.max(0, (seenMs[by].get(key) ?? done) - done)));
  const [ours, raw] = [late("ours"), late("bare")];
  return [{ what: "etcd: commit to event in another server's store, p99", measured: ms(ours), raw: `bare watch: ${ms(raw)}`, budget: "2 ms", met: ours <= 2 }];
}

export async function benchEtcd(): Promise<Row[]> {
  await using etcd = await EtcdCluster.start();
  await using store = await etcd.open();
  await using other = await etcd.open();
  // As a server's cache does.
  using cache = store.watch("/registry/", { after: store.revision });
  const following = (async () => {
    for await (const _ of cache);
  })();
  const rows = [...await latency(etcd.urls, other), ...await creates(etcd.urls, store)];
  cache[Symbol.dispose]();
  await following;
  return rows;
}
