import { existsSync } from "node:fs";
import type { Random } from "../../stdx/random.ts";
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import type { Pod, Volume } from "../../api/generated/core-v1.ts";
import { quantityValue } from "../../apimachinery/quantity.ts";
import { mountsUnder } from "../../cri/containerd/processes.ts";
import type { Clock } from "../../stdx/clock.ts";
import { command } from "../../stdx/command.ts";
import type { DownwardFacts } from "../containers/downward.ts";
import { namespaceOf, specOf, uidOf } from "../pod/pod.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { checkHostPath } from "./host-path.ts";
import type { ObjectSource } from "./object-source.ts";
import { collectPayload, type PayloadSources } from "./payload.ts";
import type { ServiceAccountTokens } from "./tokens.ts";

export interface MountedVolume {
  /** What a container mounts. */
  readonly hostPath: string;
  /** Files that the kubelet itself writes; a container only reads them. */
  readonly managed: boolean;
}

export interface VolumesReady {
  readonly byName: ReadonlyMap<string, MountedVolume>;
  /** When they have to be looked at again although nothing changed (tokens). */
  readonly refreshMs: number;
}

/** A volume could not be made ready; `message` is that of the event FailedMount. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
  readonly volume: string;

  constructor(volume: string, cause: unknown) {
    super(`MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.volume = volume;
  }
}

const plugin = (volume: Volume): string | undefined =>
  volume.emptyDir ? "empty-dir" : volume.configMap ? "configmap" : volume.secret ? "secret" : volume.projected ? "projected" : volume.downwardAPI ? "downward-api" : undefined;

/** Volumes of these kinds hold secrets and never touch a disk. */
const secretive = new Set(["secret", "projected", "downward-api"]);

export interface VolumesOptions {
  /** Folder of the node's pods: `<dir>/<uid>/volumes/…`. */
  readonly podsDir: string;
  /** A file system in memory for secrets, mounted once for all pods. */
  readonly memoryDir: string;
  readonly objects: ObjectSource;
  readonly tokens: ServiceAccountTokens;
  readonly clock: Clock;
  readonly random: Random;
}

/** Makes the volumes of pods ready, keeps their files current, and removes them. */
export class Volumes {
  readonly #options: VolumesOptions;

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Once at the start: the file system in memory, unless a kubelet before this one has left it. */
  async prepare(): Promise<void> {
    const { memoryDir, podsDir } = this.#options;
    await mkdir(podsDir, { recursive: true, mode: 0o750 });
    await mkdir(memoryDir, { recursive: true, mode: 0o711 });
    if (!mountsUnder(memoryDir).includes(memoryDir)) await command(["mount", "-t", "tmpfs", "-o", "mode=0711,nosuid,nodev", "tmpfs", memoryDir]);
  }

  /** Idempotent: what is there already stays, files that changed are written anew. @throws VolumeError for the first that fails */
  async ensure(pod: Pod, facts: DownwardFacts, signal: AbortSignal): Promise<VolumesReady> {
    let refreshMs = Infinity;
    const ready = await Promise.all((specOf(pod).volumes ?? []).map(async (volume): Promise<[string, MountedVolume]> => {
      try {
        const mounted = await this.#volume(pod, volume, facts, signal);
        refreshMs = Math.min(refreshMs, mounted.refreshMs);
        return [volume.name, mounted];
      } catch (error) {
        signal.throwIfAborted();
        throw new VolumeError(volume.name, error);
      }
    }));
    return { byName: new Map(ready), refreshMs };
  }

  async #volume(pod: Pod, volume: Volume, facts: DownwardFacts, signal: AbortSignal): Promise<MountedVolume & { readonly refreshMs: number }> {
    if (volume.hostPath) {
      await checkHostPath(volume.hostPath.path, volume.hostPath.type);
      return { hostPath: volume.hostPath.path, managed: false, refreshMs: Infinity };
    }
    const kind = plugin(volume);
    if (kind === undefined) throw new Error("this kind of volume is not supported by this kubelet");
    const fsGroup = specOf(pod).securityContext?.fsGroup;
    const dir = this.#path(pod, kind, volume.name);
    if (volume.emptyDir) {
      await this.#emptyDir(dir, volume, fsGroup);
      return { hostPath: dir, managed: false, refreshMs: Infinity };
    }
    const collected = await collectPayload(volume, pod, this.#sources(pod, signal), facts);
    if (!collected) throw new Error("this kind of volume is not supported by this kubelet");
    if (!existsSync(dir)) {
      await mkdir(dir, { recursive: true });
      await chmod(dir, 0o777);
      if (fsGroup !== undefined) await chown(dir, 0, fsGroup);
    }
    await writeAtomically(dir, collected.payload, { stamp: this.#stamp(), group: fsGroup });
    return { hostPath: dir, managed: true, refreshMs: collected.refreshMs };
  }

  async #emptyDir(dir: string, { emptyDir }: Volume, fsGroup: number | undefined): Promise<void> {
    const inMemory = emptyDir?.medium === "Memory";
    if (existsSync(dir) && (!inMemory || mountsUnder(dir).includes(dir))) return;
    await mkdir(dir, { recursive: true });
    if (inMemory) {
      const size = emptyDir?.sizeLimit === undefined ? 0 : quantityValue(emptyDir.sizeLimit);
      await command(["mount", "-t", "tmpfs", "-o", `mode=0777${size > 0 ? `,size=${size}` : ""}`, "tmpfs", dir]);
    }
    if (fsGroup !== undefined) await chown(dir, 0, fsGroup);
    await chmod(dir, fsGroup === undefined ? 0o777 : 0o2777);
  }

  #sources(pod: Pod, signal: AbortSignal): PayloadSources {
    const { objects, tokens } = this.#options;
    const [namespace, uid] = [namespaceOf(pod), uidOf(pod)];
    return {
      configMap: (name) => objects.configMap(namespace, name, uid),
      secret: (name) => objects.secret(namespace, name, uid),
      token: (audience, expirationSeconds) => tokens.get(pod, { audience, expirationSeconds, signal }),
    };
  }

  #path(pod: Pod, kind: string, name: string): string {
    const { podsDir, memoryDir } = this.#options;
    return `${secretive.has(kind) ? memoryDir : podsDir}/${uidOf(pod)}/volumes/kubernetes.io~${kind}/${name}`;
  }

  /** Unique and readable: the time, and something random. */
  #stamp(): string {
    const time = new Date(this.#options.clock.now()).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "_");
    return `${time}.${Math.floor(this.#options.random.next() * 1e10)}`;
  }

  /** Removes everything of a pod from the node's folders, unmounting first what is mounted there. */
  async remove(podUid: string, signal: AbortSignal): Promise<void> {
    const { podsDir, memoryDir, objects, tokens } = this.#options;
    objects.release(podUid);
    tokens.release(podUid);
    const dirs = [`${podsDir}/${podUid}`, `${memoryDir}/${podUid}`];
    for (const dir of dirs) for (const mount of mountsUnder(dir)) await command(["umount", mount], { signal });
    await Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true })));
  }
}
