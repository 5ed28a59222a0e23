import { chmod, mkdir, realpath, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Container, Pod } from "../../api/generated/core-v1.ts";
import type { Mount } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { expand } from "../containers/expansion.ts";
import { StartError } from "../containers/start-error.ts";
import { podText } from "../pod/pod.ts";
import type { MountedVolume } from "./volumes.ts";

const propagation = { None: "PROPAGATION_PRIVATE", HostToContainer: "PROPAGATION_HOST_TO_CONTAINER", Bidirectional: "PROPAGATION_BIDIRECTIONAL" } as const;

/** A path below a volume, with links resolved; nothing outside of the volume can be reached. Missing folders are made. */
async function resolveSubPath(root: string, subPath: string): Promise<string> {
  const base = await realpath(root);
  let current = base;
  for (const part of subPath.split("/").filter((each) => each !== "" && each !== ".")) {
    const next = join(current, part);
    try {
      current = await realpath(next);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      await mkdir(next);
      await chmod(next, (await stat(base)).mode & 0o7777);
      current = next;
    }
    if (current !== base && !current.startsWith(`${base}/`)) throw new Error(`subpath ${JSON.stringify(subPath)} not within volume path ${JSON.stringify(root)}`);
  }
  return current;
}

/** The mounts of a container from its pod's volumes. @throws StartError */
export async function containerMounts(pod: Pod, container: Container, volumes: ReadonlyMap<string, MountedVolume>, environment: ReadonlyMap<string, string>): Promise<readonly Input<Mount>[]> {
  const failed = (message: string): StartError => new StartError("CreateContainerConfigError", message);
  return Promise.all((container.volumeMounts ?? []).map(async ({ name, mountPath, readOnly, subPath = "", subPathExpr = "", mountPropagation, recursiveReadOnly }) => {
    const volume = volumes.get(name);
    if (!volume) throw failed(`cannot find volume ${JSON.stringify(name)} to mount into container ${JSON.stringify(container.name)}`);
    let path = subPath;
    if (subPathExpr !== "") {
      path = expand(subPathExpr, (variable) => environment.get(variable));
      if (/\$\(/.test(path)) throw failed(`missing value for ${JSON.stringify(/\$\(([^)]*)\)/.exec(path)?.[1] ?? "")}`);
    }
    if (path !== "") {
      if (isAbsolute(path)) throw failed(`error SubPath \`${path}\` must not be an absolute path`);
      if (path.split("/").includes("..")) throw failed(`unable to provision SubPath \`${path}\`: must not contain '..'`);
    }
    let hostPath = volume.hostPath;
    if (path !== "") {
      try {
        hostPath = await resolveSubPath(volume.hostPath, path);
      } catch (error) {
        throw failed(`failed to prepare subPath for volumeMount ${JSON.stringify(name)} of container ${JSON.stringify(container.name)}: ${podText(pod)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return {
      hostPath, containerPath: isAbsolute(mountPath) ? mountPath : `/${mountPath}`, readonly: readOnly === true || volume.managed,
      propagation: propagation[mountPropagation as keyof typeof propagation] ?? "PROPAGATION_PRIVATE",
      recursiveReadOnly: recursiveReadOnly === "Enabled",
    };
  }));
}
