import { testCreates, testNames, testUpdates } from "../validation-table.ts";
import { ipAddressResource } from "./ip-address.ts";

const spec = { parentRef: { resource: "services", namespace: "default", name: "s" } };
testNames(ipAddressResource, ["10.0.0.1", "fd00::1"], ["10.0.0.01", "FD00::1", "a"]);
testCreates(ipAddressResource, [
  ["a good one", { spec }, []],
  ["no parent", { spec: {} }, ["spec.parentRef: Required value"]],
  ["an empty parent", { spec: { parentRef: { group: "A" } } }, [
    "spec.parentRef.group: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    "spec.parentRef.resource: Required value", "spec.parentRef.name: Required value",
  ]],
]);
testUpdates(ipAddressResource, [["another parent", { spec }, { spec: { parentRef: { resource: "services", name: "t" } } }, ['spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"","Name":"t"}: field is immutable']]]);
