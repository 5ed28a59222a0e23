import { createInterface } from "node:readline";
import { resources } from "../../src/api/all.ts";
import { protobufCodec } from "../../src/api/protobuf.ts";
import { schemas } from "../../src/api/schemas.ts";
import { ensurePki } from "../../src/cluster/pki/pki.ts";
import { bootstrapCluster } from "../../src/kube-apiserver/bootstrap/bootstrap.ts";
import { clusterAccess } from "../../src/kube-apiserver/cluster-access.ts";
import { startApiServer } from "../../src/kube-apiserver/server.ts";
import { systemClock } from "../../src/stdx/clock.ts";
import { jsonLog } from "../../src/stdx/log.ts";
import { cryptoRandom } from "../../src/stdx/random.ts";
import { StepRing } from "../../src/stdx/steps.ts";
import { openSqliteStore } from "../../src/storage/sqlite/sqlite-store.ts";

/*
 * An API server as `keelson server` runs it, on a file and over HTTPS, without controllers and scheduler: a process of its own, to be killed. It loads
 * its modules, says "loaded", and opens the file when it is told "go", so that a test can have the next one waiting. Then it says its port.
 */
const [path = "", pkiFolder = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const log = jsonLog({ level: "warn", now: systemClock.now, write: (line) => process.stderr.write(line) });
const pki = await ensurePki(pkiFolder, { clock: systemClock, clusterDomain: "cluster.local", serviceIp: "10.96.0.1", apiServerIps: [], nodes: [] });
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
process.stdout.write("loaded\n");
const { value: told } = (await lines.next()) as { value?: string };
if (told === "go") {
  const store = await openSqliteStore({ path, clock: systemClock, log });
  const named = { clientCaPem: pki.ca.certificatePem, requestHeaderCaPem: pki.frontProxyCa.certificatePem, requestHeaderAllowedNames: ["front-proxy-client"], signal };
  const server = await startApiServer({
    store, listeners: [{ host: "127.0.0.1", port: 0 }], resources, schemas, protobuf: protobufCodec, clock: systemClock, random: cryptoRandom, log, steps: new StepRing({ stepsMax: 100 }),
    tls: { certPem: pki.apiServer.certificatePem, keyPem: pki.apiServer.privateKeyPem, clientCaPem: pki.ca.certificatePem },
    access: clusterAccess({ ...named, clock: systemClock, random: cryptoRandom, log, serviceAccount: pki.serviceAccount, serviceAccountIssuer: "https://kubernetes.default.svc.cluster.local" }),
    beforeListening: (transportOf) => bootstrapCluster({ ...named, transport: transportOf({ name: "system:apiserver", groups: ["system:masters", "system:authenticated"] }), service: { serviceIp: "10.96.0.1", addresses: ["192.0.2.1"], port: 6443 } }),
  });
  process.stdout.write(`${server.addresses[0]?.port ?? 0}\n`);
  // Until it is killed, or nobody holds its other end any more.
  while (!(await lines.next()).done);
}
process.exit();
