import { readFileSync, writeFileSync } from "node:fs";
import { startApiServer } from "./src/kube-apiserver/server.ts";
import { MemoryStore } from "./src/storage/memory/memory-store.ts";
import { schemas } from "./src/api/schemas.ts";
import { resources } from "./src/api/all.ts";
import { systemClock } from "./src/stdx/clock.ts";
import { cryptoRandom } from "./src/stdx/random.ts";
import { jsonLog } from "./src/stdx/log.ts";
import { StepRing } from "./src/stdx/steps.ts";
import { defaultAdmission } from "./src/kube-apiserver/admission/default-admission.ts";
import { clusterAuthorizer } from "./src/kube-apiserver/authorization/authorizer.ts";
import { bootstrapCluster } from "./src/kube-apiserver/bootstrap/bootstrap.ts";

import { createProtobufCodec } from "./src/apimachinery/protobuf/codec.ts";
import { installedDescriptions } from "./src/kube-apiserver/openapi/descriptions.ts";
const t0 = performance.now();
const log = jsonLog({ level: "info", now: Date.now, write: (l) => void process.stderr.write(l) });
const dir = "/tmp/apiserver-dev";
const steps = new StepRing({ stepsMax: 100_000 });
const admin = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
const signal = new AbortController().signal;
const server = await startApiServer({
  store: new MemoryStore(), listeners: [{ host: "127.0.0.1", port: Number(process.env.PORT ?? 0) }],
  tls: { certPem: readFileSync(`${dir}/cert.pem`, "utf8"), keyPem: readFileSync(`${dir}/key.pem`, "utf8") },
  resources, schemas, protobuf: createProtobufCodec(schemas), descriptions: installedDescriptions(), clock: systemClock, log, steps,
  access: (reader) => {
    const { authorizer, resolver } = clusterAuthorizer(reader);
    return {
      authenticator: { authenticate: async ({ headers }) => (headers["x-user"] ? { name: String(headers["x-user"]), groups: ["system:authenticated"] } : admin) },
      authorizer, virtual: [], admission: process.env.NOADMIT ? [] : defaultAdmission({ cluster: reader, authorizer, resolver, clock: systemClock, random: cryptoRandom, signal }),
    };
  },
});
const { port } = server.addresses[0]!;
console.log("listening", port, (performance.now() - t0).toFixed(0), "ms");
writeFileSync(`${dir}/kubeconfig`, `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "https://127.0.0.1:${port}", certificate-authority-data: ${readFileSync(`${dir}/cert.pem`).toString("base64")}}}]
users: [{name: a, user: {token: x}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
current-context: a
`);
const t1 = performance.now();
await bootstrapCluster({ transport: server.transport(admin), service: { serviceIp: "10.96.0.1", addresses: ["127.0.0.1"], port } as never, clientCaPem: "", requestHeaderCaPem: "", requestHeaderAllowedNames: [], signal }).catch((e) => log.error("bootstrap", { error: e }));
console.log("bootstrapped", (performance.now() - t1).toFixed(0), "ms");
for (const sig of ["SIGTERM", "SIGINT"] as const) process.on(sig, () => void server[Symbol.asyncDispose]().then(() => process.exit(0)));
