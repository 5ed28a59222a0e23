import { testCreates, type Loose } from "../validation-table.ts";
import { priorityLevelConfigurationResource } from "./priority-level-configuration.ts";

const limited = (limitResponse: Loose, more: Loose = {}): Loose => ({ spec: { type: "Limited", limited: { limitResponse, ...more } } });
testCreates(priorityLevelConfigurationResource, [
  ["a good one", limited({ type: "Queue", queuing: {} }), []],
  ["the exempt one, with shares", { metadata: { name: "exempt" }, spec: { type: "Exempt", exempt: { nominalConcurrencyShares: 5 } } }, []],
  ["exempt by another name", { spec: { type: "Exempt" } }, ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"]],
  ["limited by nothing", { spec: { type: "Limited", exempt: {} } }, ["spec.exempt: Forbidden: must be nil if the type is Limited", "spec.limited: Required value: must not be empty when type is Limited"]],
  ["an unknown type", { spec: { type: "X" } }, ['spec.type: Unsupported value: "X": supported values: "Exempt", "Limited"']],
  ["no answer", limited({}, { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 }), [
    "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer", 'spec.limited.limitResponse.type: Unsupported value: "": supported values: "Queue", "Reject"',
    "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive", "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
  ]],
  ["queues that reject", limited({ type: "Reject", queuing: {} }), ["spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited"]],
  ["a hand bigger than the deck", limited({ type: "Queue", queuing: { queues: 4, handSize: 8 } }), ["spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)"]],
  ["a hand that takes too many bits", limited({ type: "Queue", queuing: { queues: 512, handSize: 8 } }), ["spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60"]],
]);
