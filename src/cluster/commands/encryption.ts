import { createHash } from "node:crypto";
import type { HttpTransport } from "../../client/http-transport.ts";
import { parseEncryptionConfiguration, type EncryptionConfiguration } from "../../kube-apiserver/encryption/configuration.ts";
import type { Clock } from "../../stdx/clock.ts";
import { cryptoRandom } from "../../stdx/random.ts";
import { configurationText, newSecret } from "../encryption/own-file.ts";
import { rewriteAll } from "../encryption/rewrite-all.ts";
import { isRotating, rotatedResources, withNewKeys, withoutOldKeys } from "../encryption/rotation.ts";
import { readText, writeSecret } from "../pki/files.ts";
import type { Progress } from "../progress.ts";

export interface RotateOptions {
  /** The EncryptionConfiguration that the server reads again when it changes. */
  readonly file: string;
  /** To the server, as an administrator. */
  readonly transport: HttpTransport;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The server looks at its file once a minute at least. */
const reloadMsMax = 90_000;
const askAgainMs = 50;

/**
 * Gives a cluster a new key: it becomes the one that writes, everything that is encrypted is written with it, and the old one is dropped. Each step leaves a file with which everything can be
 * read, so that it may be interrupted anywhere; called again it goes on. Returns how many objects were written.
 */
export async function rotateKeys(options: RotateOptions): Promise<number> {
  const { file, transport, progress, signal } = options;
  const text = await readText(file);
  if (text === undefined) throw new Error(`${file} is missing: only clusters that encrypt with a key of their own have one to rotate`);
  let configuration = parseEncryptionConfiguration(text);
  const names = rotatedResources(configuration);
  if (names.length === 0) throw new Error(`${file} has no keys that could be rotated`);

  if (isRotating(configuration)) await progress.step("Going on with a rotation that was interrupted", () => use(configuration, options));
  else {
    configuration = withNewKeys(configuration, () => newSecret(cryptoRandom));
    await progress.step("Taking a new key into use", () => use(configuration, options));
  }
  const count = await progress.step(`Encrypting ${names.join(", ")} with it`, async (note) => {
    const written = await rewriteAll(transport, names, { signal });
    note(`${written} object${written === 1 ? "" : "s"}`);
    return written;
  });
  await progress.step("Dropping the old key", () => use(withoutOldKeys(configuration), options));
  return count;
}

/** Puts a configuration in place and waits until the server works with it. */
async function use(configuration: EncryptionConfiguration, { file, transport, clock, signal }: RotateOptions): Promise<void> {
  const text = configurationText(configuration);
  if ((await readText(file)) !== text) await writeSecret(file, text, { durable: true });
  const hash = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  const deadline = clock.now() + reloadMsMax;
  while (!(await metrics(transport, signal)).includes(`hash="${hash}"`)) {
    if (clock.now() > deadline) throw new Error(`the server does not work with ${file} after ${reloadMsMax / 1000} s; its log may say why. The rotation can be started again at any time`);
    await clock.sleep(askAgainMs, { signal });
  }
}

async function metrics(transport: HttpTransport, signal: AbortSignal): Promise<string> {
  using response = await transport.raw({ method: "GET", path: "/metrics", signal });
  return await response.text();
}
