import { testCreates } from "../validation-table.ts";
import { eventsEventResource } from "../events/event.ts";
import { eventResource } from "./event.ts";

testCreates(eventResource, [
  ["a good one", { involvedObject: { kind: "Pod", name: "p", namespace: "default" } }, []],
  ["of another namespace", { involvedObject: { kind: "Pod", name: "p", namespace: "other" } }, ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']],
  ["in the newer form, half", { involvedObject: { namespace: "default" }, eventTime: "2026-01-01T00:00:00.000000Z", reportingComponent: "c" }, ["reportingInstance: Required value", "action: Required value", "reason: Required value"]],
]);
const event = { eventTime: "2026-01-01T00:00:00.000000Z", regarding: { kind: "Pod", name: "p", namespace: "default" }, reportingController: "c", reportingInstance: "i", action: "a", reason: "r", type: "Normal" };
testCreates(eventsEventResource, [
  ["a good one", event, []],
  ["an unknown type", { ...event, type: "X" }, ['type: Invalid value: "": has invalid value: X']],
  ["a series of one", { ...event, series: { count: 1 } }, ['series.count: Invalid value: "": should be at least 2', "series.lastObservedTime: Required value"]],
]);
