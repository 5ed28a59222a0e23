import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { ingressClassResource } from "./ingress-class.ts";

const spec = (parameters: Loose): Loose => ({ spec: { controller: "example.com/c", parameters } });
testCreates(ingressClassResource, [
  ["a good one", spec({ kind: "K", name: "n" }), []],
  ["no controller", { spec: {} }, ["spec.controller: Required value"]],
  ["a controller without a domain", { spec: { controller: "c" } }, ['spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")']],
  ["empty parameters", spec({}), ["spec.parameters.kind: Required value", "spec.parameters.name: Required value"]],
  ["an unknown scope", spec({ kind: "K", name: "n", scope: "X" }), ['spec.parameters.scope: Unsupported value: "X": supported values: "Cluster", "Namespace"']],
  ["a scope without its namespace", spec({ kind: "K", name: "n", scope: "Namespace" }), ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]],
  ["a namespace without its scope", spec({ kind: "K", name: "n", namespace: "x" }), ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]],
]);
testUpdates(ingressClassResource, [["another controller", { spec: { controller: "a.io/b" } }, { spec: { controller: "a.io/c" } }, ['spec.controller: Invalid value: "a.io/c": field is immutable']]]);
