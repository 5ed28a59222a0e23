import { testCreates, testUpdates } from "../validation-table.ts";
import { replicationControllerResource } from "./replication-controller.ts";

const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "c", image: "nginx" }] } };
testCreates(replicationControllerResource, [
  ["a good one", { spec: { template } }, []],
  ["nothing", { spec: { replicas: -1 } }, ["spec.selector: Required value", "spec.replicas: Invalid value: -1: must be greater than or equal to 0", "spec.template: Required value"]],
  ["others' pods", { spec: { selector: { app: "b" }, template } }, ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`']],
]);
testUpdates(replicationControllerResource, [["more ready than there are", { spec: { template } }, { status: { replicas: 1, readyReplicas: 2 } }, ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"]]], "status");
