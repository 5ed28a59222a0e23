import { pauseImageName } from "../oci/pause.ts";

/** Where the parts of one node's containerd lie, all under one folder. */
export interface ContainerdPaths {
  readonly dir: string;
  readonly config: string;
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly pidFile: string;
  readonly log: string;
  readonly registryDir: string;
  readonly cniConfDir: string;
  readonly runcRoot: string;
}

export function containerdPaths(stateDir: string): ContainerdPaths {
  const dir = `${stateDir}/containerd`;
  return {
    dir, config: `${dir}/config.toml`, root: `${dir}/root`, state: `${dir}/state`, socket: `${dir}/containerd.sock`, pidFile: `${dir}/containerd.pid`,
    log: `${dir}/containerd.log`, registryDir: `${dir}/certs.d`, cniConfDir: `${stateDir}/cni/net.d`, runcRoot: `${dir}/runc`,
  };
}

const text = (value: string): string => JSON.stringify(value);

/** Plugins that a node never uses; each costs start-up time. */
const disabledPlugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart", "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.nri.v1.nri",
];

export interface ContainerdConfig {
  readonly paths: ContainerdPaths;
  readonly cniBinDir: string;
  /** Set where the capability to lower an OOM score (CAP_SYS_RESOURCE) is missing. */
  readonly restrictOomScoreAdj: boolean;
  readonly snapshotter: "overlayfs" | "native";
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** Version 2 of the format: containerd 1.6 and 1.7 read it, 2.x reads it and carries it over to version 3 itself. */
export function containerdConfig(options: ContainerdConfig): string {
  const { paths, cniBinDir, restrictOomScoreAdj, snapshotter, logLevel } = options;
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = ${text(paths.root)}
state = ${text(paths.state)}
disabled_plugins = [${disabledPlugins.map(text).join(", ")}]

[grpc]
address = ${text(paths.socket)}

[ttrpc]
address = ${text(`${paths.socket}.ttrpc`)}

[debug]
level = ${text(logLevel)}

[${cri}]
sandbox_image = ${text(pauseImageName)}
restrict_oom_score_adj = ${restrictOomScoreAdj}
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"
stream_server_port = "0"
enable_unprivileged_ports = true
enable_unprivileged_icmp = true

[${cri}.containerd]
snapshotter = ${text(snapshotter)}
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false
Root = ${text(paths.runcRoot)}

[${cri}.cni]
bin_dir = ${text(cniBinDir)}
conf_dir = ${text(paths.cniConfDir)}

[${cri}.registry]
config_path = ${text(paths.registryDir)}
`;
}

/**
 * `hosts.toml` of one registry: the mirrors are asked in order, and nobody else. Without naming the last of them as the server, containerd would ask
 * the registry itself when a mirror does not have an image. "*" stands for all registries that have no mirrors of their own.
 */
export function registryHosts(registry: string, mirrors: readonly string[]): { readonly folder: string; readonly content: string } {
  const server = mirrors.at(-1);
  return {
    folder: registry === "*" ? "_default" : registry,
    content: `${server === undefined ? "" : `server = ${text(server)}\n\n`}${mirrors.map((mirror) => `[host.${text(mirror)}]\ncapabilities = ["pull", "resolve"]\n`).join("\n")}`,
  };
}
