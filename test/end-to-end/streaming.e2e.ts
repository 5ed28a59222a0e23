// Everything that streams through API server and kubelet: exec, attach, cp, port-forward, logs, proxies; with stock kubectl over both of its transports.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { PassThrough, Writable } from "node:stream";
import { Attach, Exec, KubeConfig, Log, PortForward } from "@kubernetes/client-node";
import { WebSocket } from "ws";
import type { Pod } from "../../src/api/generated/core-v1.ts";
import { TestCluster, until } from "../support/cluster.ts";
import { ensureKubectl } from "../support/kubectl.ts";
import { Running, runProgram, type Ended } from "../support/programs.ts";

const bigBytes = 10_000_000;
const folder = mkdtempSync(join(tmpdir(), "kt-streaming-"));
const bigFile = join(folder, "big");
const big = randomBytes(bigBytes);
const sum = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const transports = { WebSocket: "true", SPDY: "false" } as const;
type TransportName = keyof typeof transports;

let cluster: TestCluster;
let path = "";
let node = "";
/** Goes on beside the other tests, since a rotation takes its time. */
let following: Promise<Ended>;

const box = { image: "busybox", imagePullPolicy: "IfNotPresent" } as const;
const cgi = (...lines: readonly string[]): string => `printf '%s\\n' '#!/bin/sh' ${lines.map((line) => `'${line}'`).join(" ")}`;
const webScript = [
  "mkdir -p /www/cgi-bin /www/sub", "echo hello > /www/index.html", "echo below > /www/sub/index.html", `head -c ${bigBytes} /dev/urandom > /www/big`,
  `${cgi('printf "Content-Type: text/plain\\r\\n\\r\\n"', "echo $REQUEST_METHOD $QUERY_STRING", "sha256sum")} > /www/cgi-bin/echo`,
  `${cgi('printf "Status: 302 Found\\r\\nLocation: /sub/\\r\\n\\r\\n"')} > /www/cgi-bin/away`,
  "chmod +x /www/cgi-bin/*", "httpd -p 8080 -h /www", "httpd -p 8081 -h /www", "touch /tmp/ready", "exec sleep 1000",
].join(" && ");

/** More than one file of a log may hold. */
const talkedBytes = 12_000_000;
const talkScript = `i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; head -c ${talkedBytes} /dev/zero | tr '\\0' x; echo; sleep 13; echo after; sleep 0.2; echo last`;

const manifests = {
  apiVersion: "v1", kind: "List", items: [
    {
      apiVersion: "v1", kind: "Pod", metadata: { name: "web", labels: { app: "web" } },
      spec: {
        terminationGracePeriodSeconds: 0, initContainers: [{ ...box, name: "init", command: ["sh", "-c", "echo from init"] }],
        containers: [
          { ...box, name: "a", command: ["sh", "-c", webScript], ports: [{ name: "http", containerPort: 8080 }], readinessProbe: { exec: { command: ["test", "-e", "/tmp/ready"] }, periodSeconds: 1 } },
          { ...box, name: "b", stdin: true, command: ["sh", "-c", "while read line; do echo got $line; done; sleep 1000"] },
        ],
      },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "done" }, spec: { restartPolicy: "Never", containers: [{ ...box, name: "c", command: ["sh", "-c", "echo out; sleep 0.1; echo err >&2; sleep 0.1; printf tail"] }] } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "talker" }, spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers: [{ ...box, name: "c", command: ["sh", "-c", talkScript] }] } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "unpulled" }, spec: { restartPolicy: "Never", containers: [{ name: "c", image: "nosuch:1" }] } },
    { apiVersion: "v1", kind: "Pod", metadata: { name: "nowhere" }, spec: { nodeSelector: { no: "such" }, containers: [{ ...box, name: "c" }] } },
    {
      apiVersion: "v1", kind: "Pod", metadata: { name: "again" },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ ...box, name: "c", command: ["sh", "-c", "if [ -e /data/x ]; then echo second; sleep 1000; fi; touch /data/x; echo first; exit 1"], volumeMounts: [{ name: "data", mountPath: "/data" }] }], volumes: [{ name: "data", emptyDir: {} }] },
    },
  ],
};

before(async () => {
  writeFileSync(bigFile, big);
  cluster = await TestCluster.start();
  path = `${dirname(await ensureKubectl())}:${cluster.env["PATH"]}`;
  node = (await cluster.kubectl("get", "nodes", "-o", "name")).trim().replace("node/", "");
  await cluster.apply(manifests);
  await cluster.kubectl("wait", "pod/talker", "--for=jsonpath={.status.containerStatuses[0].started}=true", "--timeout=60s");
  following = cluster.try(["logs", "-f", "talker"]);
  await cluster.ready("web");
  await until("the other pod has ended", async () => (await cluster.get<Pod>("pod", "done")).status?.phase === "Succeeded");
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const envOver = (transport: TransportName) => ({ ...cluster.env, PATH: path, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: transports[transport], KUBECTL_PORT_FORWARD_WEBSOCKETS: transports[transport] });

/** A line of shell that calls kubectl. */
const shell = (transport: TransportName, line: string): Promise<Ended> => runProgram(["bash", "-c", line], { env: envOver(transport), msMax: 60_000 });

function overBoth(name: string, run: (transport: TransportName) => Promise<void>): void {
  for (const transport of Object.keys(transports) as TransportName[]) test(`${name}, over ${transport}`, () => run(transport));
}

const get = (url: string, options: { readonly method?: string; readonly body?: Buffer } = {}): Promise<{ readonly code: number; readonly headers: Readonly<Record<string, unknown>>; readonly body: Buffer }> =>
  new Promise((resolve, reject) => {
    const asked = request(url, { method: options.method ?? "GET", agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    asked.on("error", reject);
    asked.end(options.body);
  });

overBoth("exec: exit codes, both outputs, input and its end", async (transport) => {
  const table: readonly (readonly [string, Partial<Ended>])[] = [
    ["kubectl exec web -- true", { code: 0, stdout: "" }],
    ["kubectl exec web -- sh -c 'exit 3'", { code: 3, stderr: "command terminated with exit code 3\n" }],
    ["kubectl exec web -c b -- sh -c 'echo out; echo err >&2'", { code: 0, stdout: "out\n", stderr: "err\n" }],
    ["echo x | kubectl exec -i web -c b -- cat", { code: 0, stdout: "x\n" }],
    ["kubectl exec -i web -c b -- cat </dev/null", { code: 0, stdout: "" }],
  ];
  await Promise.all(table.map(async ([line, expected]) => {
    const ended = await shell(transport, line);
    for (const [key, value] of Object.entries(expected)) {
      const actual = ended[key as keyof Ended];
      if (key === "stderr") assert.ok(String(actual).endsWith(String(value)), `${line}: ${actual}`);
      else assert.equal(actual, value, `${line}: ${JSON.stringify(ended)}`);
    }
  }));
});

overBoth("exec: refusals in upstream's words", async (transport) => {
  const table: readonly (readonly [string, RegExp])[] = [
    ["kubectl exec web -c a -- nosuch", /executable file not found in \$PATH/],
    ["kubectl exec web -c zz -- true", /^error: container zz is not valid for pod web/],
    ["kubectl exec done -- true", /^error: cannot exec into a container in a completed pod; current phase is Succeeded/],
    ["kubectl exec missing -- true", /^Error from server \(NotFound\): pods "missing" not found/],
    ["kubectl exec unpulled -- true", /^error: unable to upgrade connection: container not found \("c"\)/],
    ["kubectl exec nowhere -- true", /^error: unable to upgrade connection: pod nowhere does not have a host assigned/],
    ["kubectl attach unpulled", /error: unable to upgrade connection: container c not found in pod unpulled_default/],
  ];
  await Promise.all(table.map(async ([line, expected]) => {
    const { code, stderr } = await shell(transport, line);
    assert.notEqual(code, 0, line);
    assert.match(stderr, expected, line);
  }));
});

overBoth("exec and cp: 10 MB each way arrive whole", async (transport) => {
  const there = await shell(transport, `kubectl exec -i web -c a -- sha256sum < ${bigFile}`);
  assert.equal(there.stdout.split(" ")[0], sum(big), there.stderr);
  for (let round = 0; round < 2; round++) {
    const back = await shell(transport, `kubectl exec web -c a -- sha256sum /www/big; kubectl exec web -c a -- cat /www/big | sha256sum`);
    const [inside, outside] = back.stdout.split("\n").map((line) => line.split(" ")[0]);
    assert.equal(outside, inside, back.stderr);
  }
  const echoed = await shell(transport, `kubectl exec -i web -c a -- cat < ${bigFile} | sha256sum`);
  assert.equal(echoed.stdout.split(" ")[0], sum(big), echoed.stderr);
  const copied = await shell(transport, `kubectl cp ${bigFile} web:/tmp/up -c a && kubectl cp web:/tmp/up ${folder}/down-${transport} -c a`);
  assert.equal(copied.code, 0, copied.stderr);
  assert.equal(sum(readFileSync(`${folder}/down-${transport}`)), sum(big));
});

overBoth("exec -it: a terminal with its size, also when that changes", async (transport) => {
  const line = "echo tty=$(tty); stty cols 99 rows 33; exec kubectl exec -it web -c b -- sh";
  await using terminal = new Running(["script", "-qec", line, "/dev/null"], { env: { ...envOver(transport), TERM: "xterm", SHELL: "/bin/sh" } });
  const [, tty = ""] = await terminal.expect(/tty=(\S+)/);
  await terminal.expect(/\/ # /);
  terminal.send("stty size\n");
  await terminal.expect(/33 99/);
  await runProgram(["stty", "-F", tty, "cols", "77", "rows", "22"]);
  await until("the new size arrives", async () => {
    terminal.send("stty size\n");
    return await terminal.expect(/22 77/, { msMax: 500 }).catch(() => undefined);
  });
  terminal.send("exit 5\n");
  assert.equal(await terminal.exitCode(), 5, terminal.output);
});

overBoth("attach: to a container that runs, and run -i --rm", async (transport) => {
  await using attached = new Running(["kubectl", "attach", "-i", "web", "-c", "b"], { env: envOver(transport) });
  attached.send(`hi ${transport}\n`);
  await attached.expect(new RegExp(`got hi ${transport}\n`));
  const { code, stdout, stderr } = await shell(transport, `echo 'echo sum $((20 + 22)); sleep 0.3; exit 7' | kubectl run -i --rm --restart=Never once-${transport.toLowerCase()} --image=busybox --image-pull-policy=IfNotPresent -- sh`);
  assert.equal(code, 7, stderr);
  assert.match(stdout, /^sum 42$/m);
  assert.match(stdout, /deleted from default namespace/);
});

overBoth("port-forward: many requests on two ports, a big one, and one that is refused", async (transport) => {
  await using forward = new Running(["kubectl", "port-forward", "pod/web", ":8080", ":8081", ":9999"], { env: envOver(transport) });
  const portOf = async (target: number): Promise<string> => (await forward.expect(new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${target}`)))[1] ?? "";
  const [first, second, refused] = [await portOf(8080), await portOf(8081), await portOf(9999)];
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => get(`http://127.0.0.1:${index % 2 === 0 ? first : second}/index.html`)));
  assert.deepEqual(new Set(answers.map(({ body }) => body.toString())), new Set(["hello\n"]));
  const [inside = ""] = (await cluster.kubectl("exec", "web", "-c", "a", "--", "sha256sum", "/www/big")).split(" ");
  assert.equal(sum((await get(`http://127.0.0.1:${first}/big`)).body), inside);
  assert.equal((await get(`http://127.0.0.1:${second}/cgi-bin/echo`, { method: "POST", body: big })).body.toString(), `POST\n${sum(big)}  -\n`);
  await assert.rejects(get(`http://127.0.0.1:${refused}/`));
  await forward.expect(/an error occurred forwarding \d+ -> 9999: error forwarding port 9999 to pod .*connection refused/);
});

test("logs: what was written, in all ways of asking", async () => {
  const table: readonly (readonly [string, string | RegExp])[] = [
    ["done", "out\nerr\ntail"], ["done --tail=1", "tail"], ["done --tail=2", "err\ntail"], ["done --tail=0", ""], ["done --limit-bytes=5", "out\ne"], ["done -f", "out\nerr\ntail"],
    ["done --timestamps", /^\d{4}-\S+Z out\n\S+Z err\n\S+Z tail$/], ["done --since=1h", "out\nerr\ntail"], ["done --since-time=2100-01-01T00:00:00Z", ""], ["web -c init", "from init\n"],
    ["web --all-containers --prefix", /^\[pod\/web\/init\] from init$/m], ["nowhere", ""],
  ];
  await Promise.all(table.map(async ([args, expected]) => {
    const printed = await cluster.kubectl("logs", ...args.split(" "));
    if (typeof expected === "string") assert.equal(printed, expected, args);
    else assert.match(printed, expected, args);
  }));
  const refusals: readonly (readonly [string, RegExp])[] = [
    ["done --previous", /^Error from server \(BadRequest\): previous terminated container "c" in pod "done" not found/],
    ["unpulled", /^Error from server \(BadRequest\): container "c" in pod "unpulled" is waiting to start: (trying and failing to pull image|image can't be pulled)/],
    ["web -c zz", /^error: container zz is not valid for pod web/], ["missing", /pods "missing" not found/],
  ];
  await Promise.all(refusals.map(async ([args, expected]) => assert.match((await cluster.try(["logs", ...args.split(" ")])).stderr, expected, args)));
  await until("the container was started again", async () => (await cluster.get<Pod>("pod", "again")).status?.containerStatuses?.[0]?.state?.running !== undefined && (await cluster.kubectl("logs", "again")) === "second\n");
  assert.equal(await cluster.kubectl("logs", "again", "--previous"), "first\n");
});

test("logs -f: goes on over a rotation and ends with its container", async () => {
  const { code, stdout, stderr } = await following;
  assert.equal(code, 0, stderr);
  assert.ok(stdout.startsWith("line 0\nline 1\n"));
  assert.ok(stdout.endsWith("x\nafter\nlast\n"), stdout.slice(-100));
  assert.equal(stdout.length, talkedBytes + 1 + "after\nlast\n".length + Array.from({ length: 200 }, (_, index) => `line ${index}\n`).join("").length);
  const logs = join(cluster.nodeFolder(), "logs/pods");
  const [folderOfPod = ""] = readdirSync(logs).filter((name) => name.startsWith("default_talker_"));
  assert.ok(readdirSync(join(logs, folderOfPod, "c")).some((name) => name.startsWith("0.log.")), "the log was rotated");
});

/** The API server's address with what a client needs to be let in. */
function access(): { readonly url: string; readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } } {
  const config = new KubeConfig();
  config.loadFromFile(cluster.env["KUBECONFIG"] ?? "");
  const { server = "", caData = "" } = config.getCurrentCluster() ?? {};
  const { certData = "", keyData = "" } = config.getCurrentUser() ?? {};
  const text = (data: string): string => Buffer.from(data, "base64").toString();
  return { url: server, tls: { ca: text(caData), cert: text(certData), key: text(keyData) } };
}

test("raw WebSockets: exec over the old protocols, logs as messages", async () => {
  const { url, tls } = access();
  const base = `${url.replace("https", "wss")}/api/v1/namespaces/default/pods`;
  const talk = (suffix: string, protocol: string): Promise<{ readonly protocol: string; readonly messages: readonly (readonly [Buffer, boolean])[] }> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${base}/${suffix}`, protocol, tls);
      const messages: [Buffer, boolean][] = [];
      socket.on("message", (data: Buffer, binary: boolean) => messages.push([data, binary]));
      socket.on("error", reject);
      socket.on("close", () => resolve({ protocol: socket.protocol, messages }));
    });
  const exec = "web/exec?container=b&stdout=1&stderr=1&command=sh&command=-c&command=echo%20remote%20execution%20test%3B%20echo%20bad%20%3E%262";
  for (const protocol of ["channel.k8s.io", "v4.channel.k8s.io", "v5.channel.k8s.io"]) {
    const { messages, protocol: chosen } = await talk(exec, protocol);
    assert.equal(chosen, protocol);
    const on = (channel: number): string => messages.filter(([data]) => data[0] === channel).map(([data]) => data.subarray(1).toString()).join("");
    assert.deepEqual([on(1), on(2)], ["remote execution test\n", "bad\n"], protocol);
    if (protocol === "channel.k8s.io") assert.equal(on(3), "");
    else assert.equal((JSON.parse(on(3)) as { readonly status: string }).status, "Success");
  }
  const encoded = await talk(exec, "base64.channel.k8s.io");
  assert.ok(encoded.messages.some(([data, binary]) => !binary && data.toString() === `1${Buffer.from("remote execution test\n").toString("base64")}`));
  const log = await talk("done/log", "binary.k8s.io");
  assert.deepEqual([log.protocol, Buffer.concat(log.messages.map(([data]) => data)).toString()], ["binary.k8s.io", "out\nerr\ntail"]);
  const log64 = await talk("done/log", "base64.binary.k8s.io");
  assert.equal(log64.messages.map(([data]) => Buffer.from(data.toString(), "base64").toString()).join(""), "out\nerr\ntail");
});

test("@kubernetes/client-node: Exec, Attach, Log and PortForward", async () => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.env["KUBECONFIG"] ?? "");
  const collect = (): { readonly into: Writable; readonly text: () => string } => {
    const parts: Buffer[] = [];
    return { into: new Writable({ write: (part: Buffer, _, done) => (parts.push(part), done()) }), text: () => Buffer.concat(parts).toString() };
  };
  const out = collect();
  const status = await new Promise<{ readonly status?: string; readonly message?: string }>((resolve, reject) => {
    new Exec(config).exec("default", "web", "b", ["sh", "-c", "echo through the library; exit 4"], out.into, null, null, false, resolve).catch(reject);
  });
  assert.deepEqual([out.text(), status.status, status.message], ["through the library\n", "Failure", "command terminated with non-zero exit code: error executing command [sh -c echo through the library; exit 4], exit code 4"]);

  const attached = collect();
  const input = new PassThrough();
  const socket = await new Attach(config).attach("default", "web", "b", attached.into, null, input, false);
  input.write("library\n");
  await until("the container answers", () => attached.text().includes("got library"));
  socket.close();

  const log = collect();
  await new Log(config).log("default", "done", "c", log.into, {});
  await until("the log is there", () => log.text() === "out\nerr\ntail");

  const [answer, errors, ask] = [collect(), collect(), new PassThrough()];
  const forwarded = await new PortForward(config).portForward("default", "web", [8080], answer.into, errors.into, ask);
  ask.write("GET /index.html HTTP/1.0\r\n\r\n");
  await until("the server answers", () => answer.text().endsWith("hello\n"));
  assert.equal(errors.text(), "");
  if (typeof forwarded !== "function") forwarded.close();
});

test("proxies to pods, Services and nodes, and kubectl proxy in front of them", async () => {
  const base = "/api/v1/namespaces/default";
  for (const target of ["pods/web", "pods/web:8080", "pods/web:http", "pods/http:web:8080", "services/web:80", "services/web:http", "services/http:web:http"]) {
    assert.equal(await cluster.kubectl("get", "--raw", `${base}/${target}/proxy/index.html`), "hello\n", target);
  }
  assert.match((await cluster.try(["get", "--raw", `${base}/pods/web:9999/proxy/`])).stderr, /\(ServiceUnavailable\): error trying to reach service: dial tcp \S+:9999: connect: connection refused/);
  assert.match((await cluster.try(["get", "--raw", `${base}/services/web:81/proxy/`])).stderr, /no service port 81 found for service "web"/);
  assert.match((await cluster.try(["get", "--raw", `${base}/services/web/proxy/`])).stderr, /no endpoints available for service "web"/, "its port has a name, which has to be said");
  assert.match((await cluster.try(["get", "--raw", `${base}/pods/nowhere/proxy/`])).stderr, /address not allowed/);
  assert.equal(await cluster.kubectl("get", "--raw", `/api/v1/nodes/${node}/proxy/healthz`), "ok");
  assert.equal(await cluster.kubectl("get", "--raw", `/api/v1/nodes/${node}:10250/proxy/healthz`), "ok");

  await using proxy = new Running(["kubectl", "proxy", "--port=0"], { env: envOver("WebSocket") });
  const [, port = ""] = await proxy.expect(/Starting to serve on 127\.0\.0\.1:(\d+)/);
  const local = `http://127.0.0.1:${port}${base}`;
  for (const target of ["pods/web:8080", "services/web:http"]) {
    const bare = await get(`${local}/${target}/proxy?a=b`);
    assert.deepEqual([bare.code, bare.headers["location"]], [301, `${base}/${target}/proxy/?a=b`]);
    assert.equal((await get(`${local}/${target}/proxy/sub/`)).body.toString(), "below\n");
    const away = await get(`${local}/${target}/proxy/cgi-bin/away`);
    assert.deepEqual([away.code, away.headers["location"]], [302, `${base}/${target}/proxy/sub/`]);
    assert.equal((await get(`${local}/${target}/proxy/cgi-bin/echo?x=1%202&y`, { method: "POST", body: big })).body.toString(), `POST x=1%202&y\n${sum(big)}  -\n`);
    // busybox's httpd knows no other methods, and it is its answer that counts.
    for (const method of ["PUT", "PATCH", "DELETE", "OPTIONS"]) assert.equal((await get(`${local}/${target}/proxy/index.html`, { method })).code, 501, method);
  }
});

test("a node's figures: summary and metrics, measured on its control groups", async () => {
  const page = (name: string): Promise<string> => cluster.kubectl("get", "--raw", `/api/v1/nodes/${node}/proxy/${name}`);
  interface Cpu { readonly usageCoreNanoSeconds: number }
  interface Summary { readonly node: { readonly nodeName: string; readonly cpu: Cpu }; readonly pods: readonly { readonly podRef: { readonly name: string }; readonly cpu: Cpu; readonly memory: { readonly workingSetBytes: number }; readonly network: { readonly rxBytes: number } }[] }
  const summary = async (): Promise<Summary> => JSON.parse(await page("stats/summary")) as Summary;
  const before = await summary();
  const web = before.pods.find(({ podRef }) => podRef.name === "web");
  assert.equal(before.node.nodeName, node);
  assert.ok(web && web.memory.workingSetBytes > 0 && web.network.rxBytes > 0, JSON.stringify(web));
  await cluster.kubectl("exec", "web", "-c", "a", "--", "sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
  const busy = (await summary()).pods.find(({ podRef }) => podRef.name === "web");
  assert.ok((busy?.cpu.usageCoreNanoSeconds ?? 0) > web.cpu.usageCoreNanoSeconds + 10_000_000, "what a command used counts for its pod");
  assert.match(await page("metrics/resource"), /^container_memory_working_set_bytes\{container="a",namespace="default",pod="web"\} \d+ \d+$/m);
  assert.match(await page("metrics/cadvisor"), /^container_network_receive_bytes_total\{container="",id="[^"]+",image="",interface="eth0",name="[0-9a-f]{64}",namespace="default",pod="web"\} \d+ \d+$/m);
  assert.match(await page("metrics"), new RegExp(`^kubelet_node_name\\{node="${node}"\\} 1$`, "m"));
  assert.ok((JSON.parse(await page("pods")) as { readonly items: readonly Pod[] }).items.some(({ metadata }) => metadata.name === "web"));
});

const openFiles = (process: string): number => readdirSync(`/proc/${cluster.pidOf(process)}/fd`).length;
const residentKilobytes = (process: string): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${cluster.pidOf(process)}/status`, "utf8"))?.[1]);
const both = (): readonly string[] => ["server", `agent-${node}`];

overBoth("nothing stays open behind a client: neither after many commands nor after one that was killed", async (transport) => {
  const before = both().map(openFiles);
  const { code, stderr } = await shell(transport, "for i in 1 2 3; do for j in 1 2 3 4 5 6 7 8; do kubectl exec web -c b -- true & done; wait; done");
  assert.equal(code, 0, stderr);
  await using held = new Running(["kubectl", "exec", "-i", "web", "-c", "b", "--", "sh", "-c", "echo here; cat; echo ended > /tmp/ended"], { env: envOver(transport) });
  await held.expect(/here/);
  held.kill("SIGKILL");
  await until("the command's input has ended", async () => (await cluster.try(["exec", "web", "-c", "b", "--", "sh", "-c", "cat /tmp/ended && rm /tmp/ended"])).stdout === "ended\n");
  await until("what was open is closed", () => both().every((process, index) => openFiles(process) <= (before[index] ?? 0)), { msMax: 20_000 });
});

overBoth("a client that does not read slows the command down and fills no memory", async (transport) => {
  const before = both().map(residentKilobytes);
  const script = "rm -f /tmp/sent; i=0; while dd if=/dev/zero bs=1M count=1 2>/dev/null; do i=$((i+1)); echo $i > /tmp/sent; done";
  // Its output is a pipe that nobody reads.
  const stuck = spawn("kubectl", ["exec", "web", "-c", "b", "--", "sh", "-c", script], { env: envOver(transport), stdio: ["ignore", "pipe", "ignore"] });
  using _ended = { [Symbol.dispose]: () => void stuck.kill("SIGKILL") };
  const sent = async (): Promise<number> => Number(await cluster.kubectl("exec", "web", "-c", "b", "--", "cat", "/tmp/sent").catch(() => "0"));
  let last = -1;
  await until("the command stands still", async () => {
    const now = await sent();
    const still = now > 0 && now === last;
    last = now;
    return still;
  });
  assert.ok(last < 64, `${last} MB went to a client that reads none`);
  for (const [index, process] of both().entries()) assert.ok(residentKilobytes(process) < (before[index] ?? 0) + 64 * 1024, process);
});

test("when a node's agent or the API server ends, so does what goes through it", async () => {
  const start = async (): Promise<readonly Running[]> => {
    const exec = new Running(["kubectl", "exec", "web", "-c", "b", "--", "sh", "-c", "echo here; sleep 1000"], { env: envOver("WebSocket") });
    const spdy = new Running(["kubectl", "exec", "web", "-c", "b", "--", "sh", "-c", "echo here; sleep 1000"], { env: envOver("SPDY") });
    const forward = new Running(["kubectl", "port-forward", "pod/web", ":8080"], { env: envOver("WebSocket") });
    await Promise.all([exec.expect(/here/), spdy.expect(/here/), forward.expect(/Forwarding/)]);
    return [exec, spdy, forward];
  };
  for (const name of [`agent-${node}`, "server"]) {
    const pid = cluster.pidOf(name);
    const running = await start();
    process.kill(pid, "SIGTERM");
    const codes = await Promise.all(running.map((each) => each.exitCode(20_000)));
    // Over SPDY kubectl takes a connection that ends for success.
    assert.deepEqual([codes[0], codes[2]], [1, 1], running.map(({ output }) => output).join("\n"));
    await until(`${name} has ended`, () => !existsSync(`/proc/${pid}`), { msMax: 20_000 });
    if (name !== "server") {
      await cluster.keelson("up", cluster.name);
      await until("the node answers again", async () => (await cluster.kubectl("get", "--raw", `/api/v1/nodes/${node}/proxy/healthz`)) === "ok");
    }
  }
});
