import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Clock } from "../../stdx/clock.ts";
import { CommandError } from "../../stdx/command.ts";
import type { Log } from "../../stdx/log.ts";
import { connectCri, type Cri } from "../cri.ts";
import { pauseImage } from "../oci/pause.ts";
import { cleanupContainerd, livePid } from "./cleanup.ts";
import { containerdConfig, containerdPaths, registryHosts, type ContainerdPaths } from "./config.ts";
import { endForgottenShims, shimsOf } from "./forgotten-shims.ts";
import { ensureImage } from "./import-image.ts";
import { capSysResource, commandLineOf, hasCapability, signalProcess } from "./processes.ts";

export interface ContainerdOptions {
  /** Defaults to `containerd` on the PATH. */
  readonly binary?: string;
  /** The node's folder; containerd gets `containerd/` and `cni/` below it. */
  readonly stateDir: string;
  /** Path of a network namespace ("/run/netns/…") to run in; left out, it is that of this process. */
  readonly netns?: string;
  /** Folder of the CNI programs; found where distributions put them when left out. */
  readonly cniBinDir?: string;
  /** A CNI configuration list to write before containerd starts. Others may come later: containerd watches the folder. */
  readonly cniConfig?: object;
  /** URLs to ask first, by registry host; "*" for all. */
  readonly registryMirrors?: Readonly<Record<string, readonly string[]>>;
  readonly snapshotter?: "overlayfs" | "native";
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the supervision; containerd and all containers go on. `stop` is what ends them. */
  readonly signal: AbortSignal;
}

export interface Containerd {
  readonly paths: ContainerdPaths;
  readonly socket: string;
  readonly cri: Cri;
  /** Of the current process; changes when it had to be started again. */
  pid(): number;
  /** Resolves when the pause image is there, which the first pod needs and readiness does not. */
  readonly pauseImage: Promise<void>;
  /** Ends containerd with all its pods and shims. */
  stop(): Promise<void>;
}

const cniBinDirs = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
/** Longest path that fits into the address of a unix socket. */
const socketPathBytesMax = 107;
const readyDelayMs = 3;
const readyWaitMsMax = 20_000;
const restartDelayMs = 100;
const restartDelayMsMax = 5000;
const watchDelayMs = 250;

function writeIfChanged(path: string, content: string): boolean {
  if (existsSync(path) && readFileSync(path, "utf8") === content) return false;
  writeFileSync(path, content, { mode: 0o600 });
  return true;
}

function prepare(options: ContainerdOptions, paths: ContainerdPaths): boolean {
  if (Buffer.byteLength(`${paths.socket}.ttrpc`) > socketPathBytesMax) throw new Error(`${paths.socket}: longer than a socket's path may be; choose a shorter state folder`);
  for (const dir of [paths.dir, paths.root, paths.state, paths.registryDir, paths.cniConfDir]) mkdirSync(dir, { recursive: true, mode: 0o711 });
  for (const [registry, mirrors] of Object.entries(options.registryMirrors ?? {})) {
    const { folder, content } = registryHosts(registry, mirrors);
    mkdirSync(`${paths.registryDir}/${folder}`, { recursive: true });
    writeIfChanged(`${paths.registryDir}/${folder}/hosts.toml`, content);
  }
  if (options.cniConfig) writeIfChanged(`${paths.cniConfDir}/10-keelson.conflist`, `${JSON.stringify(options.cniConfig, undefined, 2)}\n`);
  return writeIfChanged(paths.config, containerdConfig({
    paths,
    cniBinDir: options.cniBinDir ?? cniBinDirs.find((dir) => existsSync(`${dir}/loopback`)) ?? "/opt/cni/bin",
    restrictOomScoreAdj: !hasCapability(capSysResource),
    snapshotter: options.snapshotter ?? "overlayfs",
    logLevel: options.logLevel ?? "warn",
  }));
}

/** Resolves with the exit code (or the reason why it did not start), which callers race with readiness. */
function launch(options: ContainerdOptions, paths: ContainerdPaths): { readonly pid: number; readonly exited: Promise<string> } {
  const { binary = "containerd", netns } = options;
  rmSync(paths.socket, { force: true }); // One of an earlier process would refuse connections and slow down gRPC's first attempt.
  const argv = [binary, "--config", paths.config];
  const [program, ...args] = netns === undefined ? argv : ["nsenter", `--net=${netns}`, "--", ...argv];
  const log = openSync(paths.log, "a", 0o600);
  const child = spawn(program ?? binary, args, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve("code" in error && error.code === "ENOENT" ? `${program} is not installed` : error.message));
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
  });
  child.unref();
  if (child.pid !== undefined) writeFileSync(paths.pidFile, `${child.pid}\n`, { mode: 0o600 });
  return { pid: child.pid ?? 0, exited };
}

const lastLines = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").slice(-3).join("\n") : "");

/** Asks until the CRI plugin answers, which is a few milliseconds after the socket appears. */
async function ready(cri: Cri, paths: ContainerdPaths, options: { readonly clock: Clock; readonly signal: AbortSignal; readonly exited?: Promise<string> }): Promise<void> {
  const { clock, signal } = options;
  let end: string | undefined;
  void options.exited?.then((reason) => (end = reason));
  let last: unknown;
  for (const started = clock.now(); clock.now() - started < readyWaitMsMax;) {
    if (end !== undefined) throw new CommandError(["containerd", "--config", paths.config], null, `${end}\n${lastLines(paths.log)}`);
    if (existsSync(paths.socket)) {
      try {
        await cri.version({}, { signal, deadlineMs: 2000 });
        return;
      } catch (error) {
        signal.throwIfAborted();
        last = error;
      }
    }
    await clock.sleep(readyDelayMs, { signal });
  }
  throw new Error(`containerd does not answer on ${paths.socket}`, { cause: last });
}

/**
 * A containerd of this node's own. One that already runs with the same configuration is taken over, so that a restart of the agent does not touch
 * its containers; one with another configuration is restarted, which containers survive. While `signal` is not aborted it is started again when it ends.
 */
export async function startContainerd(options: ContainerdOptions): Promise<Containerd> {
  const { stateDir, clock, log, signal } = options;
  const paths = containerdPaths(stateDir);
  const changed = prepare(options, paths);
  const stopping = new AbortController();
  const supervised = AbortSignal.any([signal, stopping.signal]);

  let pid = livePid(paths);
  if (pid !== undefined && changed) {
    signalProcess(pid, "SIGTERM");
    while (commandLineOf(pid) !== undefined) await clock.sleep(5, { signal });
    pid = undefined;
  }
  const cri = connectCri({ socket: paths.socket });
  let exited: Promise<string> | undefined;
  const launchUntilReady = async (until: AbortSignal): Promise<void> => {
    const earlier = shimsOf(paths.socket);
    ({ pid, exited } = launch(options, paths));
    await ready(cri, paths, { clock, signal: until, exited });
    endForgottenShims({ cri, socket: paths.socket, earlier, log, signal: until }).catch((error: unknown) => {
      if (!until.aborted) log.warn("shims that containerd does not know could not be looked for", { error });
    });
  };
  if (pid === undefined) await launchUntilReady(signal);
  else await ready(cri, paths, { clock, signal });

  const ended = async (): Promise<string> => {
    if (exited) return exited;
    while (livePid(paths) === pid) await clock.sleep(watchDelayMs, { signal: supervised });
    return "ended";
  };
  const supervise = async (): Promise<void> => {
    let delayMs = restartDelayMs;
    for (;;) {
      const reason = await ended();
      if (supervised.aborted) return;
      log.warn("containerd ended and is started again", { reason, pid });
      try {
        await launchUntilReady(supervised);
        delayMs = restartDelayMs;
      } catch (error) {
        if (supervised.aborted) return;
        log.error("containerd does not start", { error, retryMs: delayMs });
        await clock.sleep(delayMs, { signal: supervised });
        delayMs = Math.min(delayMs * 2, restartDelayMsMax);
      }
    }
  };
  supervise().catch((error: unknown) => {
    if (!supervised.aborted) log.error("containerd is not supervised any more", { error });
  });

  const bringPauseImage = async (): Promise<void> => {
    for (let delayMs = restartDelayMs;; delayMs = Math.min(delayMs * 2, restartDelayMsMax)) {
      try {
        await ensureImage({ cri, image: pauseImage(), pinned: true, clock, signal: supervised });
        return;
      } catch (error) {
        supervised.throwIfAborted();
        log.warn("the pause image could not be brought into containerd", { error, retryMs: delayMs });
        await clock.sleep(delayMs, { signal: supervised });
      }
    }
  };
  const pauseReady = bringPauseImage();
  pauseReady.catch(() => {}); // Rejects only on abort; told to whoever awaits it.
  return {
    paths, socket: paths.socket, cri, pid: () => pid ?? 0, pauseImage: pauseReady,
    async stop() {
      stopping.abort(new Error("containerd is being stopped"));
      const unsignalled = new AbortController().signal;
      const { items } = await cri.listPodSandbox({}, { deadlineMs: 2000 }).catch(() => ({ items: [] }));
      await Promise.allSettled(items.map(async ({ id }) => {
        await cri.stopPodSandbox({ podSandboxId: id }, { deadlineMs: 10_000 });
        await cri.removePodSandbox({ podSandboxId: id }, { deadlineMs: 10_000 });
      }));
      cri[Symbol.dispose]();
      await cleanupContainerd({ stateDir, clock, signal: unsignalled });
      await rm(paths.state, { recursive: true, force: true });
    },
  };
}
