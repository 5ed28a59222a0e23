import { testCreates, testUpdates } from "../validation-table.ts";
import { podDisruptionBudgetResource } from "./pod-disruption-budget.ts";

testCreates(podDisruptionBudgetResource, [
  ["a good one", { spec: { minAvailable: "50%", selector: {} } }, []],
  ["more than all", { spec: { maxUnavailable: "101%" } }, ['spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
  ["an unknown policy", { spec: { unhealthyPodEvictionPolicy: "X" } }, ['spec.unhealthyPodEvictionPolicy: Unsupported value: "X": supported values: "AlwaysAllow", "IfHealthyBudget"']],
]);
testUpdates(podDisruptionBudgetResource, [
  ["a condition that says nothing", { spec: {} }, { status: { conditions: [{ type: "A", status: "True" }], expectedPods: -1 } }, [
    "status.conditions[0].lastTransitionTime: Required value", "status.conditions[0].reason: Required value", "status.expectedPods: Invalid value: -1: must be greater than or equal to 0",
  ]],
], "status");
