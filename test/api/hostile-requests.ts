import fc, { type GeneratorValue } from "fast-check";
import type { SchemaLookup, TypeSchema } from "../../src/apimachinery/schema.ts";
import type { ResourceType } from "../../src/apimachinery/object.ts";
import type { ProtobufCodec } from "../../src/apimachinery/protobuf/codec.ts";
import { formatYaml } from "../../src/apimachinery/yaml.ts";

/** A request that somebody sends who means no good, or whose program is broken. */
export interface HostileRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What a request is about, where that is not left to chance. */
export interface Aim {
  readonly resource: ResourceType;
  readonly subresource: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly contentType: string;
}

export interface HostileOptions {
  readonly resources: readonly ResourceType[];
  readonly schemas: SchemaLookup;
  readonly protobuf: ProtobufCodec;
}

const texts = [
  "", "a", "x", "default", "a.b", "A_", "-", "__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "0", "1", "-1", "80", "http", "1Gi", "100m", "1e999", "-5", "0x10", "1.5", "10.0.0.1", "10.96.0.7",
  "::1", "10.0.0.0/8", "fe80::/129", "* * * * *", "*/0 * * * *", "2026-01-01T00:00:00Z", "2026-13-45T99:99:99Z", "example.com/a", "a/b/c", "/", "..", "../x", "%00", "\u0000", "\ud800", "🙂", "é", "\u2028", "a\nb", "RollingUpdate", "Always",
  "Never", "ClusterIP", "NodePort", "ExternalName", "None", "TCP", "In", "Exists", "NoSchedule", "ReadWriteOnce", "25%", "101%", "-1%", "v1", "Pod", "rbac.authorization.k8s.io", "true", "null", "{{", "$(A)", "kubernetes.io/hostname", "\\", "\"", "x".repeat(64), "y".repeat(254), "z".repeat(2000),
];
const numbers = [0, 1, -1, 2, 3, 80, 443, 30_000, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53), 1e21, 1e308, 0.5, -0.5, -0];
const depthMax = 7;
const listParameters = ["watch", "limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector", "sendInitialEvents", "allowWatchBookmarks", "timeoutSeconds", "pretty", "includeObject", "dryRun", "fieldManager", "fieldValidation", "force", "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "__proto__", "ignoreStoreReadErrorWithClusterBreakingPotential"];
const parameterValues = [
  "", "true", "false", "0", "1", "-1", "9999999999999999999999", "1.5", "NaN", "x", "All", "Exact", "NotOlderThan", "Strict", "Warn", "Ignore", "Orphan", "Foreground", "a=b", "a in (b,c),!d", "a in", "metadata.name=a", "metadata.name!=a,metadata.namespace=b", "spec.nodeName=", "status.phase=__proto__", "constructor=1", "Object", "None",
  Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"a"}').toString("base64url"), Buffer.from('{"v":"meta.k8s.io/v1","rv":3,"start":"\\u0000"}').toString("base64url"), Buffer.from('{"v":"meta.k8s.io/v1","rv":1.5,"start":"default/"}').toString("base64url"), Buffer.from("null").toString("base64url"),
  "%", "\u0000", "é", "x".repeat(3000),
];
const accepts = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "*/*", "", "text/html", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "application/json;;;=", ";q=", "application/json;q=x", "application/cbor", ",".repeat(500)];
const contentTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "", "text/plain", "application/json; charset=utf-16", "multipart/form-data; boundary=x", ";;;", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml", "application/apply-patch+cbor", "__proto__"];
const patchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"];
const segments = ["a", "default", "kube-system", "nope", "%2e%2e", "..", "%00", "%ff", "%", "%zz", "a%2Fb", "é", "%C3%A9", "a b".replaceAll(" ", "%20"), "__proto__", "constructor", "status", "x".repeat(4000), "", "."];

/** Makes one request after another out of what fast-check rolls; `g` makes it repeatable. */
export function hostileRequest(g: GeneratorValue, { resources, schemas, protobuf }: HostileOptions, aim?: Aim): HostileRequest {
  const nat = (max: number): number => g(fc.nat, { max });
  const pick = <T>(from: readonly T[]): T => from[nat(from.length - 1)] as T;
  const chance = (oneIn: number): boolean => nat(oneIn - 1) === 0;

  const anything = (depth = 0): unknown => {
    switch (nat(depth > 3 ? 4 : 6)) {
      case 0: return null;
      case 1: return pick(texts);
      case 2: return pick(numbers);
      case 3: return chance(2);
      case 4: return "";
      case 5: return Array.from({ length: nat(3) }, () => anything(depth + 1));
      default: return object(Array.from({ length: nat(3) }, () => [pick(texts), anything(depth + 1)]));
    }
  };
  /** An object whose keys are its own, whatever they are called. */
  function object(entries: readonly (readonly [string, unknown])[]): object {
    const made: Record<string, unknown> = {};
    for (const [key, value] of entries) Object.defineProperty(made, key, { value, enumerable: true, configurable: true, writable: true });
    return made;
  }

  const valueOf = (type: TypeSchema, name: string, depth: number): unknown => {
    if (chance(150)) return anything();
    switch (type.is) {
      case "scalar":
        return type.type === "boolean" ? chance(2) : type.type === "string" ? (name === "name" && !chance(4) ? pick(["a", "b", "c"]) : pick(texts)) : pick(numbers);
      case "special":
        switch (type.type) {
          case "Quantity": return pick(["1", "100m", "1Gi", "-1", "1e3", "", "x", 5, 0.1, "9999999999999999999999", "1e-30", "1n"]);
          case "IntOrString": return pick([1, 0, -1, 65_536, "http", "25%", "-5%", "", 1.5]);
          case "Time": case "MicroTime": return pick(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.123456Z", "", "x", null, "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00+25:00"]);
          case "Duration": return pick(["5s", "-1h", "x", "", "1e9s", "2562048h"]);
          default: return anything();
        }
      case "list": return Array.from({ length: nat(depth > 4 ? 1 : 2) }, () => valueOf(type.of, name, depth + 1));
      case "map": return object(Array.from({ length: nat(2) }, () => [pick(texts), valueOf(type.of, "", depth + 1)]));
      case "ref": return structOf(type.name, depth + 1);
    }
  };
  const structOf = (name: string, depth: number): unknown => {
    const schema = schemas.type(name);
    if (!schema || depth > depthMax) return {};
    const fields = Object.entries(schema.fields);
    const share = Math.max(2, Math.round(fields.length / 4));
    return object(fields.filter(([, field]) => (field.required === true ? !chance(12) : chance(share))).map(([key, field]) => [key, valueOf(field.type, key, depth)]));
  };

  const resource = aim?.resource ?? pick(resources);
  const offered = Object.keys(resource.subresources);
  const subresource = aim ? aim.subresource : chance(4) && offered.length > 0 ? pick(offered) : chance(40) ? pick(["status", "nope"]) : "";
  const kind = (Object.hasOwn(resource.subresources, subresource) ? resource.subresources[subresource] : undefined) ?? resource;
  const name = chance(8) ? pick(segments) : pick(["a", "a", "a", "b"]);
  const bodyObject = (): object => {
    const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
    const made = (schemas.kind(kind.group, kind.version, kind.kind) ? structOf(schemas.kind(kind.group, kind.version, kind.kind)?.name ?? "", 0) : anything()) as Record<string, unknown>;
    const metadata = chance(3) ? made["metadata"] : chance(20) ? anything() : { name: pick(["a", "b", "c", name]), ...(chance(3) && { labels: anything() }), ...(chance(5) && { finalizers: pick([[], ["example.com/a"], ["x"], [1], "x"]) }), ...(chance(6) && { ownerReferences: anything() }), ...(chance(8) && { managedFields: anything() }), ...(chance(8) && { resourceVersion: pick(texts) }), ...(chance(8) && { generateName: pick(texts) }), ...(chance(8) && { namespace: pick(texts) }) };
    return { ...made, ...(!chance(10) && { apiVersion }), ...(!chance(10) && { kind: kind.kind }), metadata };
  };

  const spoiled = (text: string): Buffer => {
    const at = nat(Math.max(text.length - 1, 0));
    switch (nat(11)) {
      case 0: return Buffer.from(text.slice(0, at));
      case 1: return Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), Buffer.from(text.slice(at))]);
      case 2: return Buffer.from(text.replace("{", `{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},`));
      case 3: return Buffer.from(text.replace("{", '{"metadata":{"name":"a"},"metadata":{"name":"b"},"kind":"X",'));
      case 4: return Buffer.from(`${'{"spec":'.repeat(nat(12_000))}${text}`);
      case 5: return Buffer.from(`${'['.repeat(nat(12_000))}`);
      case 6: return Buffer.from(text.replace(/:(\d+|"[^"]*")/, ":1e400"));
      case 7: return Buffer.from(text.replace(/:(\d+|"[^"]*")/, ":123456789012345678901234567890"));
      case 8: return Buffer.from(`\ufeff${text}`);
      case 9: return Buffer.from(text + text);
      case 10: return Buffer.from(text, "utf16le");
      default: return Buffer.from(text.slice(0, at) + pick(texts) + text.slice(at + 1));
    }
  };
  const yamls = ["&a [*a]", "a: &x [1,2]\nb: *x", "? {a: b}\n: c", "!!js/function x", "<<: {a: b}", "--- a\n--- b", "\t", "a: |\n  x", "a: 1\na: 2", "1: 2", "true: x", "!!binary x", `${"- ".repeat(3000)}x`, "a: .inf", "a: 0x1F", "*nope", "%YAML 9.9\n---\na: b",
    `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}, *a${at}]`).join("\n")}`];
  const jsonPatch = (): unknown => chance(10) ? anything() : Array.from({ length: nat(3) }, () => chance(15) ? anything() : {
    op: pick(["add", "remove", "replace", "move", "copy", "test", "nope"]),
    path: pick(["", "/", "/metadata/labels", "/metadata/labels/a", "/data/-", "/spec/containers/0", "/spec/containers/-", "/spec/containers/99999999999", "/spec/containers/-1", "/__proto__/polluted", "/constructor/prototype/polluted", "/metadata/~0~1~2", "spec", "/metadata/name", "/metadata/finalizers", "/kind", "/spec"]),
    ...(chance(2) && { from: pick(["/metadata", "/spec", "", "/__proto__", "/metadata/labels"]) }), ...(!chance(3) && { value: anything() }),
  });
  const directives = (): object => ({ $patch: pick(["delete", "replace", "merge", "x", 1]), ...(chance(2) && { $retainKeys: anything() }), ...(chance(2) && { "$setElementOrder/containers": anything() }), ...(chance(2) && { "$deleteFromPrimitiveList/finalizers": anything() }) });
  const strategic = (): object => {
    const base = bodyObject() as Record<string, unknown>;
    const spec = base["spec"];
    return chance(2) ? base : { ...base, ...(typeof spec === "object" && spec !== null && !Array.isArray(spec) ? { spec: { ...spec, ...directives() } } : directives()), ...(chance(4) && directives()), metadata: { ...(chance(3) && directives()), labels: anything() } };
  };

  const method = aim?.method ?? pick(["POST", "POST", "POST", "POST", "PUT", "PUT", "PUT", "PATCH", "PATCH", "PATCH", "PATCH", "PATCH", "DELETE", "GET", "GET", chance(8) ? "HEAD" : "GET", chance(8) ? "OPTIONS" : "PATCH"] as const);
  const atCollection = method === "POST" ? subresource === "" : method === "GET" || method === "DELETE" ? chance(3) : chance(40);
  const prefix = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const place = resource.namespaced && !chance(12) ? `/namespaces/${chance(10) ? pick(segments) : "default"}` : "";
  const path = !aim && chance(40)
    ? `/${Array.from({ length: nat(6) }, () => pick(["api", "apis", "v1", "apps", "openapi", "v3", "version", "healthz", "metrics", "debug", "steps", "namespaces", "pods", ...segments])).join("/")}`
    : `${prefix}${place}/${resource.plural}${atCollection ? "" : `/${name}`}${!atCollection && subresource !== "" ? `/${subresource}` : ""}${chance(30) ? "/" : ""}`;
  const query = new URLSearchParams();
  for (let left = chance(2) ? nat(3) : 0; left > 0; left--) query.append(pick(listParameters), pick(parameterValues));
  if (chance(3)) query.set("dryRun", "All");

  const patchType = pick(patchTypes);
  const ordinary = method === "PATCH" ? patchType : pick(["application/json", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
  const contentType = aim ? aim.contentType : chance(15) ? pick(contentTypes) : ordinary;
  if (contentType === "application/apply-patch+yaml" && !chance(8)) query.set("fieldManager", pick(["me", "you", "x".repeat(200)]));
  if (contentType === "application/apply-patch+yaml" && chance(2)) query.set("force", "true");
  const body = (): Buffer => {
    if (method === "DELETE") return chance(2) ? Buffer.alloc(0) : Buffer.from(JSON.stringify(chance(2) ? anything() : { kind: "DeleteOptions", apiVersion: "v1", ...(structOf("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", 0) as object) }));
    if (contentType === "application/vnd.kubernetes.protobuf") {
      let bytes: Buffer;
      try {
        bytes = Buffer.from(protobuf.encode(bodyObject() as never));
      } catch {
        bytes = Buffer.from([0x6b, 0x38, 0x73, 0, ...Array.from({ length: nat(40) }, () => nat(255))]);
      }
      if (chance(2)) for (let left = nat(6); left > 0; left--) bytes[nat(bytes.length - 1)] = nat(255);
      return chance(6) ? bytes.subarray(0, nat(bytes.length)) : bytes;
    }
    const value = contentType === "application/json-patch+json" ? jsonPatch() : contentType === "application/strategic-merge-patch+json" ? strategic() : chance(12) ? anything() : bodyObject();
    if (contentType.includes("yaml")) {
      if (chance(6)) return Buffer.from(pick(yamls));
      if (chance(2)) {
        try {
          return Buffer.from(formatYaml(value));
        } catch {
          // What YAML cannot say is said in JSON.
        }
      }
    }
    const text = JSON.stringify(value) ?? "null";
    return chance(6) ? spoiled(text) : Buffer.from(text);
  };
  const sends = method !== "GET" && method !== "HEAD" && method !== "OPTIONS";
  const text = query.toString();
  return {
    method, path: text === "" ? path : `${path}?${text}`,
    headers: {
      ...(sends && contentType !== "" && { "content-type": contentType }), ...(chance(4) && { accept: pick(accepts) }), ...(chance(60) && { "impersonate-user": pick(["bob", "system:nope", "é".normalize("NFC").replace(/[^\x20-\x7e]/g, "?")]) }),
      ...(chance(80) && { "accept-encoding": pick(["gzip", "br", "gzip;q=0", "x"]) }), ...(chance(80) && { "user-agent": pick(["curl/8", "Mozilla/5.0", "x".repeat(500)]) }),
    },
    ...(sends && { body: body() }),
  };
}

/** Every resource and subresource with every verb, in every encoding that it takes. */
export function* everyAim(resources: readonly ResourceType[]): Generator<Aim> {
  const bodies = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
  for (const resource of resources) {
    for (const subresource of ["", ...Object.keys(resource.subresources)]) {
      for (const method of ["POST", "PUT"] as const) for (const contentType of bodies) yield { resource, subresource, method, contentType };
      for (const contentType of patchTypes) yield { resource, subresource, method: "PATCH", contentType };
      for (const method of ["GET", "DELETE"] as const) yield { resource, subresource, method, contentType: "application/json" };
    }
  }
}

const podSpec = { containers: [{ name: "a", image: "x", ports: [{ containerPort: 80 }], env: [{ name: "A", value: "1" }] }] };
const template = { metadata: { labels: { app: "a" } }, spec: podSpec };
const selector = { matchLabels: { app: "a" } };

/** Objects that the requests may meet: all are called "a", those with a namespace lie in "default". */
export const prey: readonly (readonly [path: string, object: Readonly<Record<string, unknown>>])[] = [
  ["/api/v1/namespaces/default/configmaps", { data: { a: "b" } }],
  ["/api/v1/namespaces/default/secrets", { stringData: { a: "b" } }],
  ["/api/v1/namespaces/default/pods", { spec: podSpec }],
  ["/api/v1/namespaces/default/services", { spec: { ports: [{ port: 80 }], selector: { app: "a" } } }],
  ["/api/v1/namespaces/default/endpoints", { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] }],
  ["/api/v1/namespaces/default/serviceaccounts", {}],
  ["/api/v1/namespaces/default/replicationcontrollers", { spec: { selector: { app: "a" }, template } }],
  ["/api/v1/namespaces/default/persistentvolumeclaims", { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }],
  ["/api/v1/persistentvolumes", { spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" } } }],
  ["/api/v1/namespaces/default/resourcequotas", { spec: { hard: { pods: "100" } } }],
  ["/api/v1/nodes", {}],
  ["/api/v1/namespaces", {}],
  ["/apis/apps/v1/namespaces/default/deployments", { spec: { selector, template } }],
  ["/apis/apps/v1/namespaces/default/replicasets", { spec: { selector, template } }],
  ["/apis/apps/v1/namespaces/default/daemonsets", { spec: { selector, template } }],
  ["/apis/apps/v1/namespaces/default/statefulsets", { spec: { serviceName: "a", selector, template } }],
  ["/apis/apps/v1/namespaces/default/controllerrevisions", { revision: 1, data: {} }],
  ["/apis/batch/v1/namespaces/default/jobs", { spec: { template: { spec: { ...podSpec, restartPolicy: "Never" } } } }],
  ["/apis/batch/v1/namespaces/default/cronjobs", { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: "Never" } } } } } }],
  ["/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" } } }],
  ["/apis/policy/v1/namespaces/default/poddisruptionbudgets", { spec: { minAvailable: 1, selector } }],
  ["/apis/networking.k8s.io/v1/namespaces/default/ingresses", { spec: { rules: [{ http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "a", port: { number: 80 } } } }] } }] } }],
  ["/apis/networking.k8s.io/v1/namespaces/default/networkpolicies", { spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }] } }],
  ["/apis/networking.k8s.io/v1/ingressclasses", { spec: { controller: "example.com/a" } }],
  ["/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] }],
  ["/apis/rbac.authorization.k8s.io/v1/clusterroles", { rules: [] }],
  ["/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", { roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "a" }, subjects: [{ kind: "User", name: "a", apiGroup: "rbac.authorization.k8s.io" }] }],
  ["/apis/storage.k8s.io/v1/storageclasses", { provisioner: "example.com/a" }],
  ["/apis/storage.k8s.io/v1/csidrivers", { spec: {} }],
  ["/apis/storage.k8s.io/v1/csinodes", { spec: { drivers: [] } }],
  ["/apis/coordination.k8s.io/v1/namespaces/default/leases", { spec: { holderIdentity: "a" } }],
  ["/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", { addressType: "IPv4", endpoints: [{ addresses: ["10.0.0.1"] }] }],
  ["/apis/events.k8s.io/v1/namespaces/default/events", { eventTime: "2026-01-01T00:00:00.000000Z", reportingController: "example.com/a", reportingInstance: "a", action: "a", reason: "a", type: "Normal", regarding: { kind: "Pod", namespace: "default", name: "a" } }],
  ["/apis/scheduling.k8s.io/v1/priorityclasses", { value: 7 }],
  ["/apis/node.k8s.io/v1/runtimeclasses", { handler: "a" }],
  ["/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings", { spec: { policyName: "a", validationActions: ["Deny"] } }],
  ["/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", { spec: { priorityLevelConfiguration: { name: "global-default" } } }],
];
