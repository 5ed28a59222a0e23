import { join } from "node:path";
import { buildImage, type BuiltImage } from "../../cri/oci/image.ts";
import type { TarEntry } from "../../cri/oci/tar.ts";
import { command } from "../../stdx/command.ts";
import { layerOf, mergeLayers, unpackedPackage } from "./debian-package.ts";

/**
 * Images made from Debian's packages, for machines that reach no registry: what `busybox`, `nginx` and `redis` are expected to be, under whatever
 * names the caller wants.
 */
export interface ImageRequest {
  readonly cache: string;
  readonly tags: readonly string[];
}

const file = (name: string, text: string, mode = 0o644): TarEntry => ({ type: "file", name, mode, data: Buffer.from(text) });
const directory = (name: string, mode = 0o755): TarEntry => ({ type: "directory", name: `${name}/`, mode });
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const common: readonly TarEntry[] = [
  directory("bin"), directory("etc"), directory("root", 0o700), directory("tmp", 0o1777), directory("var"), directory("var/log"), directory("var/run"), directory("home"), directory("usr"), directory("usr/bin"), directory("usr/sbin"),
  file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
  file("etc/group", "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"),
];

/** busybox with a link for each of its commands. */
async function busyboxLayer(cache: string): Promise<readonly TarEntry[]> {
  const folder = await unpackedPackage("busybox-static", { cache });
  const program = layerOf(folder).find((entry) => entry.type === "file" && entry.name.endsWith("bin/busybox"));
  if (program?.type !== "file") throw new Error("the package busybox-static holds no busybox");
  const commands = (await command([join(folder, program.name), "--list"])).split("\n").filter((name) => name !== "" && name !== "busybox");
  return [
    ...common,
    { ...program, name: "bin/busybox", mode: 0o755 },
    ...commands.map((name): TarEntry => ({ type: "symlink", name: `bin/${name}`, target: "busybox" })),
    { type: "symlink", name: "usr/bin/env", target: "/bin/busybox" },
  ];
}

export async function busyboxImage({ cache, tags }: ImageRequest): Promise<BuiltImage> {
  return buildImage({ layers: [await busyboxLayer(cache)], config: { Env: [path], Cmd: ["sh"] }, tags });
}

/** Where Debian keeps libraries is a folder per architecture; a dynamic program finds its loader by an absolute path in /lib64 (or /lib on arm64). */
export async function programLayer(packages: readonly string[], cache: string): Promise<readonly TarEntry[]> {
  const folders = await Promise.all(packages.map((name) => unpackedPackage(name, { cache })));
  return mergeLayers([await busyboxLayer(cache), ...folders.map((folder) => layerOf(folder))]);
}

const nginxConfig = `
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 512; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout combined;
  sendfile on;
  server {
    listen 80 default_server;
    root /usr/share/nginx/html;
    location = /hostname { default_type text/plain; return 200 "$hostname\\n"; }
  }
}
`;
const nginxPage = `<!DOCTYPE html>
<html>
<head><title>Welcome to nginx!</title></head>
<body><h1>Welcome to nginx!</h1><p>If you see this page, nginx is successfully installed and working.</p></body>
</html>
`;

export async function nginxImage({ cache, tags }: ImageRequest): Promise<BuiltImage> {
  const own: readonly TarEntry[] = [
    directory("etc/nginx"), file("etc/nginx/nginx.conf", nginxConfig), directory("usr/share"), directory("usr/share/nginx"), directory("usr/share/nginx/html"), file("usr/share/nginx/html/index.html", nginxPage),
    directory("run"), directory("var/lib"), directory("var/lib/nginx"), directory("var/log/nginx"),
  ];
  const layer = await programLayer(["nginx", "nginx-common", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g"], cache);
  return buildImage({ layers: [mergeLayers([own, layer])], config: { Env: [path, "NGINX_VERSION=1.22"], Entrypoint: ["nginx"], Cmd: ["-g", "daemon off;"], ExposedPorts: { "80/tcp": {} }, StopSignal: "SIGQUIT" }, tags });
}

const redisPackages = [
  "redis-tools", "redis-server", "libc6", "libatomic1", "libcap2", "libgcc-s1", "libgcrypt20", "libgpg-error0", "libjemalloc2", "liblz4-1", "liblzf1", "liblzma5", "libssl3", "libstdc++6", "libsystemd0", "libzstd1",
] as const;

export async function redisImage({ cache, tags }: ImageRequest): Promise<BuiltImage> {
  const layer = await programLayer(redisPackages, cache);
  return buildImage({ layers: [mergeLayers([[directory("data")], layer])], config: { Env: [path], Cmd: ["redis-server", "--protected-mode", "no"], WorkingDir: "/data", ExposedPorts: { "6379/tcp": {} } }, tags });
}
