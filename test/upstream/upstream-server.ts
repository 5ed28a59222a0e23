import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HttpTransport } from "../../src/client/http-transport.ts";
import { TypedClient } from "../../src/client/typed-client.ts";
import type { Pki } from "../../src/cluster/pki/pki.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { skip as noEtcd } from "../etcd/server-processes.ts";
import { freePort } from "../support/cluster.ts";
import { Guardian } from "../support/guardian.ts";

const program = process.env["KEELSON_UPSTREAM_APISERVER"];
/** For the `skip` of a test: nobody ships upstream's server, so whoever has one says where. */
export const skip = noEtcd === false && (program === undefined || !existsSync(program)) ? "KEELSON_UPSTREAM_APISERVER does not name a kube-apiserver 1.36 of upstream's" : noEtcd;

const readyMsMax = 60_000;

const statusOf = (url: string, { ca, admin }: Pki): Promise<number | undefined> => new Promise((resolve) => {
  get(url, { ca: ca.certificatePem, cert: admin.certificatePem, key: admin.privateKeyPem, agent: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  }).on("error", () => resolve(undefined));
});

/** Upstream's kube-apiserver on loopback, with the certificates and on the etcd of a Keelson server. It does not outlive this process. */
export class UpstreamServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #guardian: Guardian;
  readonly #http: HttpTransport;
  readonly client: TypedClient;

  private constructor({ child, folder, http }: { readonly child: ChildProcess; readonly folder: string; readonly http: HttpTransport }) {
    this.#child = child;
    this.#folder = folder;
    this.#http = http;
    this.client = new TypedClient(http);
    this.#guardian = new Guardian({ folder, env: process.env, command: ["true"] });
    this.#guardian.alsoEnds(child.pid);
  }

  static async start({ etcd, pki, pkiFolder, flags = [] }: { readonly etcd: string; readonly pki: Pki; readonly pkiFolder: string; readonly flags?: readonly string[] }): Promise<UpstreamServer> {
    const folder = mkdtempSync(join(tmpdir(), "keelson-upstream-"));
    const port = await freePort();
    const file = (name: string): string => join(pkiFolder, name);
    const args = [
      `--etcd-servers=${etcd}`, "--bind-address=127.0.0.1", `--secure-port=${port}`, "--advertise-address=192.0.2.77", "--authorization-mode=Node,RBAC", "--service-cluster-ip-range=10.96.0.0/16",
      `--client-ca-file=${file("ca.crt")}`, `--tls-cert-file=${file("apiserver.crt")}`, `--tls-private-key-file=${file("apiserver.key")}`,
      `--requestheader-client-ca-file=${file("front-proxy-ca.crt")}`, "--requestheader-allowed-names=front-proxy-client", "--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-", `--proxy-client-cert-file=${file("front-proxy-client.crt")}`, `--proxy-client-key-file=${file("front-proxy-client.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local", `--service-account-key-file=${file("sa.pub")}`, `--service-account-signing-key-file=${file("sa.key")}`, ...flags,
    ];
    const out = openSync(join(folder, "log"), "a");
    const child = spawn(program ?? "", args, { stdio: ["ignore", out, out], cwd: folder, env: { ...process.env, POD_NAMESPACE: "nowhere", POD_NAME: "nobody" } });
    closeSync(out);
    const http = new HttpTransport({ clock: systemClock, connection: { server: `https://127.0.0.1:${port}`, certificateAuthority: pki.ca.certificatePem, clientCertificate: pki.admin.certificatePem, clientKey: pki.admin.privateKeyPem } });
    const server = new UpstreamServer({ child, folder, http });
    try {
      await server.#ready(`https://127.0.0.1:${port}/readyz`, pki);
    } catch (error) {
      const said = server.log();
      await server[Symbol.asyncDispose]();
      throw new Error(`upstream's server is not ready: ${said.slice(-2000)}`, { cause: error });
    }
    return server;
  }

  async #ready(url: string, pki: Pki): Promise<void> {
    const deadline = AbortSignal.timeout(readyMsMax);
    while (await statusOf(url, pki) !== 200) {
      if (this.#child.exitCode !== null) throw new Error("it has ended");
      await systemClock.sleep(200, { signal: deadline });
    }
  }

  log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http[Symbol.dispose]();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      const late = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
      await exited;
      clearTimeout(late);
    }
    this.#guardian[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
