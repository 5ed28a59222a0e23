import { testCreates, testUpdates, testWarnings, type Loose } from "../validation-table.ts";
import { ingressResource } from "./ingress.ts";

const backend = { service: { name: "s", port: { number: 80 } } };
const at = (path: Loose): Loose => ({ spec: { rules: [{ host: "a.example", http: { paths: [{ path: "/", pathType: "Prefix", backend, ...path }] } }] } });
const path = "spec.rules[0].http.paths[0]";
const subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

testCreates(ingressResource, [
  ["a good one", at({}), []],
  ["a service that starts with a digit", at({ backend: { service: { name: "1s", port: { name: "http" } } } }), []],
  ["an address for a host", { spec: { rules: [{ host: "1.2.3.4" }] } }, ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']],
  ["no paths", { spec: { rules: [{ http: {} }] } }, ["spec.rules[0].http.paths: Required value"]],
  ["no kind of path", at({ pathType: undefined }), [`${path}.pathType: Required value: pathType must be specified`]],
  ["an unknown kind of path", at({ pathType: "X" }), [`${path}.pathType: Unsupported value: "X": supported values: "Exact", "ImplementationSpecific", "Prefix"`]],
  ["a path that goes up", at({ path: "a/../.." }), [`${path}.path: Invalid value: "a/../..": must be an absolute path`, `${path}.path: Invalid value: "a/../..": must not contain '/../'`, `${path}.path: Invalid value: "a/../..": cannot end with '/..'`]],
  ["no backend", at({ backend: {} }), [`${path}.backend: Invalid value: "": resource or service backend is required`]],
  ["two backends", at({ backend: { ...backend, resource: { kind: "K", name: "n" } } }), [`${path}.backend: Invalid value: "": cannot set both resource and service backends`]],
  ["no port", at({ backend: { service: { name: "s" } } }), [`${path}.backend: Required value: port name or number is required`]],
  ["a port by name and number", at({ backend: { service: { name: "s", port: { name: "a", number: 1 } } } }), [`${path}.backend: Invalid value: "": cannot set both port name & port number`]],
  ["a secret that is no name", { spec: { defaultBackend: backend, tls: [{ hosts: ["*.a.example"], secretName: "A" }, {}] } }, [`spec.tls[0].secretName: Invalid value: "A": ${subdomain}`]],
  ["two classes", { metadata: { annotations: { "kubernetes.io/ingress.class": "a" } }, spec: { defaultBackend: backend, ingressClassName: "b" } }, ['annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified']],
]);
testUpdates(ingressResource, [
  ["a wrong secret stays", { spec: { defaultBackend: backend, tls: [{ secretName: "A" }] } }, { spec: { defaultBackend: backend, tls: [{ secretName: "B" }] } }, []],
  ["a wrong rule for many hosts stays", { spec: { rules: [{ host: "*.a.b", http: {} }] } }, { spec: { rules: [{ host: "*.a.c", http: {} }] } }, []],
  ["a wrong rule is new", { spec: { rules: [{ host: "*.a.b" }] } }, { spec: { rules: [{ host: "*.a.c", http: {} }] } }, ["spec.rules[0].http.paths: Required value"]],
]);
testUpdates(ingressResource, [
  ["addresses", { spec: { defaultBackend: backend } }, { status: { loadBalancer: { ingress: [{ ip: "1.2.3" }, { hostname: "1.2.3.4" }] } } }, [
    'status.loadBalancer.ingress[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)', 'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]],
], "status");
testWarnings(ingressResource, [
  ["the old annotation", { metadata: { annotations: { "kubernetes.io/ingress.class": "a" } } }, ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"]],
]);
