import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { ResourceType } from "../../apimachinery/object.ts";
import { anySignal, isAbort, race } from "../../stdx/abort.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { labelText, observed, type MetricFamily } from "../../stdx/metric-families.ts";
import type { Random } from "../../stdx/random.ts";
import { EncryptingStore } from "../../storage/encryption/encrypting-store.ts";
import type { Store } from "../../storage/store.ts";
import type { HealthCheck } from "../handlers/health.ts";
import { aggregate } from "../../storage/encryption/prefixes.ts";
import { ResourceTransformers } from "./resource-transformers.ts";
import { loadRules, messageOf, readRulesFile, type EncryptionRules } from "./rules.ts";

export interface EncryptionOptions {
  /** `--encryption-provider-config` */
  readonly file: string;
  /** `--encryption-provider-config-automatic-reload`: the file is read again when it changes. */
  readonly reload: boolean;
  /** What is stored. */
  readonly types: readonly Pick<ResourceType, "group" | "plural">[];
  /** Tells this server from others in metrics. */
  readonly serverId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

// Upstream's: how often the file is looked at (a change is mostly noticed sooner here), and how long new plugins have to become well.
const lookEveryMs = 60_000;
const failedAgainMs = 5_000;
const healthyWithinMs = 10_000;
const healthAskedEveryMs = 100;

/** Encryption at rest of one server: the rules of a file, their plugins, and their replacement when the file changes. */
export class Encryption implements Disposable {
  readonly #options: EncryptionOptions;
  readonly #transformers: ResourceTransformers;
  readonly #reloads = { success: { count: 0, atMs: 0 }, failure: { count: 0, atMs: 0 } };
  readonly #ending = new AbortController();
  /** Plugins of the present rules are asked until these rules are replaced. */
  #probing = new AbortController();
  #rules: EncryptionRules;
  readonly metrics: readonly MetricFamily[];

  private constructor(options: EncryptionOptions, rules: EncryptionRules) {
    this.#options = options;
    this.#rules = rules;
    this.#transformers = new ResourceTransformers(options.types, rules.transformers);
    this.metrics = this.#families();
    this.#probe();
  }

  /** @throws {Error} in upstream's words, when the file cannot be used. */
  static async open(options: EncryptionOptions): Promise<Encryption> {
    return new Encryption(options, await loadRules(options.file, options, options));
  }

  /** The store as the API server has to see it. */
  protect(store: Store): EncryptingStore {
    return new EncryptingStore(store, this.#transformers);
  }

  /** Writes again what would be stored in another form today. Returns how many values were written. */
  async rewriteStale(store: EncryptingStore, options: { readonly signal: AbortSignal }): Promise<number> {
    let written = 0;
    for (const prefix of this.#transformers.prefixes()) written += await store.rewriteStale(prefix, options);
    return written;
  }

  /** `/healthz/kms-providers`: there is one with plugins, and with reloading, after which there may be plugins. */
  get healthCheck(): HealthCheck | undefined {
    return this.#options.reload || this.#rules.probes.length > 0 ? { name: "kms-providers", check: () => healthOf(this.#rules) } : undefined;
  }

  /** Of the file that is in use. */
  get hash(): string {
    return this.#rules.hash;
  }

  /** Looks at the file again and again, until the signal aborts; returns at once where it is not to be reloaded. */
  async run(signal: AbortSignal): Promise<void> {
    const { file, reload, clock, log } = this.#options;
    if (!reload) return;
    while (!signal.aborted) {
      // From before the file is read: a change while that happens is not missed.
      using change = changeOf(file, signal);
      let failed = false;
      try {
        await this.#reload(signal);
      } catch (error) {
        if (signal.aborted) return;
        failed = true;
        this.#count("failure");
        log.error(`error processing encryption config file ${file}: ${messageOf(error)}`);
      }
      try {
        using waiting = anySignal(signal);
        await race(Promise.race([change.noticed, clock.sleep(failed ? failedAgainMs : lookEveryMs, { signal: waiting.signal })]), signal);
      } catch (error) {
        if (isAbort(error, signal)) return;
        throw error;
      }
    }
  }

  async #reload(signal: AbortSignal): Promise<void> {
    const { file, log } = this.#options;
    if ((await readRulesFile(file)).hash === this.#rules.hash) return;
    const rules = await loadRules(file, { reload: true }, this.#options);
    try {
      if (rules.hash === this.#rules.hash) return rules[Symbol.dispose]();
      await this.#becomeHealthy(rules, signal);
    } catch (error) {
      rules[Symbol.dispose]();
      throw error;
    }
    const before = this.#rules;
    this.#rules = rules;
    this.#transformers.use(rules.transformers);
    this.#probing.abort();
    this.#probe();
    this.#count("success");
    log.info("the encryption configuration was read again after it changed", { file, hash: rules.hash });
    // Requests that began with the old rules may still ask their plugins.
    void this.#options.clock.sleep(before.closeAfterMs, { signal: this.#ending.signal }).catch(() => undefined).then(() => before[Symbol.dispose]());
  }

  async #becomeHealthy(rules: EncryptionRules, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.now() + Math.max(healthyWithinMs, rules.closeAfterMs);
    for (;;) {
      try {
        return await healthOf(rules);
      } catch (error) {
        if (clock.now() >= deadlineMs) throw new Error(`health check for new transformers failed, polling error timed out waiting for the condition: ${messageOf(error)}`, { cause: error });
      }
      await clock.sleep(healthAskedEveryMs, { signal });
    }
  }

  #probe(): void {
    this.#probing = new AbortController();
    const { signal } = this.#probing;
    for (const probe of this.#rules.probes) void probe.run(signal);
  }

  /** Upstream's, under its names and labels. */
  #families(): readonly MetricFamily[] {
    const id = { apiserver_id_hash: `sha256:${createHash("sha256").update(this.#options.serverId).digest("hex")}` };
    const each = (value: (outcome: { readonly count: number; readonly atMs: number }) => number) => () =>
      Object.fromEntries(Object.entries(this.#reloads).filter(([, { count }]) => count > 0).map(([status, outcome]) => [labelText({ ...id, status }), value(outcome)]));
    const prefix = "apiserver_encryption_config_controller";
    return [
      observed("gauge", { name: `${prefix}_last_config_info`, help: "Always 1; the label is the hash of the encryption configuration in use." }, () => ({ [labelText({ ...id, hash: this.#rules.hash })]: 1 })),
      observed("counter", { name: `${prefix}_automatic_reloads_total`, help: "How often a changed encryption configuration was read again, or could not be used." }, each(({ count }) => count)),
      observed("gauge", { name: `${prefix}_automatic_reload_last_timestamp_seconds`, help: "When that was the last time, in seconds since 1970." }, each(({ atMs }) => atMs / 1000)),
    ];
  }

  #count(status: "success" | "failure"): void {
    this.#reloads[status] = { count: this.#reloads[status].count + 1, atMs: this.#options.clock.now() };
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
    this.#probing.abort();
    this.#rules[Symbol.dispose]();
  }
}

/** All plugins, by their place in the file. */
async function healthOf({ probes }: EncryptionRules): Promise<void> {
  const errors: Error[] = [];
  for (const [index, probe] of probes.entries()) {
    try {
      await probe.check();
    } catch (error) {
      errors.push(new Error(`kms-provider-${index}: ${messageOf(error)}`, { cause: error }));
    }
  }
  if (errors.length > 0) throw aggregate(errors);
}

/** A change of a file that is replaced or written; without the kernel's word for it, looking regularly has to do. */
function changeOf(file: string, signal: AbortSignal): Disposable & { readonly noticed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const ending = new AbortController();
  try {
    const watcher = watch(dirname(file), { persistent: false, signal: AbortSignal.any([ending.signal, signal]) }, (_, name) => {
      if (name === basename(file)) resolve();
    });
    watcher.on("error", () => undefined);
  } catch {
    // The folder is gone: reading the file will say so.
  }
  return { noticed: promise, [Symbol.dispose]: () => ending.abort() };
}
