import type { FlowSchema, FlowSchemaSpec, PolicyRulesWithSubjects, PriorityLevelConfiguration, PriorityLevelConfigurationSpec, ResourcePolicyRule } from "../../api/generated/flowcontrol-v1.ts";
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from "../../api/flowcontrol/mandatory.ts";
import { flowSchemaResource } from "../../api/flowcontrol/flow-schema.ts";
import { priorityLevelConfigurationResource } from "../../api/flowcontrol/priority-level-configuration.ts";

/** Says whether the server keeps the spec of an object as it ships it. */
export const autoUpdateAnnotation = "apf.kubernetes.io/autoupdate-spec";

type Subjects = NonNullable<PolicyRulesWithSubjects["subjects"]>;
const groups = (...names: readonly string[]): Subjects => names.map((name) => ({ kind: "Group", group: { name } }));
const users = (...names: readonly string[]): Subjects => names.map((name) => ({ kind: "User", user: { name } }));
const systemAccounts: Subjects = [{ kind: "ServiceAccount", serviceAccount: { namespace: "kube-system", name: "*" } }];
const everyone = groups("system:unauthenticated", "system:authenticated");
const nodes = groups("system:nodes");

const anyResource: ResourcePolicyRule = { verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true };
const leases = (...verbs: readonly string[]): ResourcePolicyRule => ({ verbs, apiGroups: ["coordination.k8s.io"], resources: ["leases"], namespaces: ["*"] });
const everythingOf = (subjects: Subjects): PolicyRulesWithSubjects => ({ subjects, resourceRules: [anyResource], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }] });

const schema = (level: string, matchingPrecedence: number, by: "ByUser" | "ByNamespace" | undefined, rule: PolicyRulesWithSubjects): FlowSchemaSpec =>
  ({ priorityLevelConfiguration: { name: level }, matchingPrecedence, ...(by && { distinguisherMethod: { type: by } }), rules: [rule] });
const level = (nominalConcurrencyShares: number, lendablePercent: number, queues: number, handSize: number): PriorityLevelConfigurationSpec =>
  ({ type: "Limited", limited: { nominalConcurrencyShares, lendablePercent, limitResponse: { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 50 } } } });

/** What every cluster begins with and administrators may change; facts of upstream's apis/flowcontrol/bootstrap. */
export const suggestedFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  "system-nodes": schema("system", 500, "ByUser", everythingOf(nodes)),
  "system-node-high": schema("node-high", 400, "ByUser", {
    subjects: nodes, resourceRules: [{ verbs: ["*"], apiGroups: [""], resources: ["nodes", "nodes/status"], namespaces: ["*"], clusterScope: true }, leases("*")],
  }),
  "probes": schema("exempt", 2, undefined, { subjects: everyone, nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }] }),
  "system-leader-election": schema("leader-election", 100, "ByUser", {
    subjects: [...users("system:kube-controller-manager", "system:kube-scheduler"), ...systemAccounts], resourceRules: [leases("get", "create", "update")],
  }),
  "kube-controller-manager": schema("workload-high", 800, "ByNamespace", everythingOf(users("system:kube-controller-manager"))),
  "kube-scheduler": schema("workload-high", 800, "ByNamespace", everythingOf(users("system:kube-scheduler"))),
  "kube-system-service-accounts": schema("workload-high", 900, "ByNamespace", everythingOf(systemAccounts)),
  "service-accounts": schema("workload-low", 9_000, "ByUser", everythingOf(groups("system:serviceaccounts"))),
  "global-default": schema("global-default", 9_900, "ByUser", everythingOf(everyone)),
};
export const suggestedPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  "system": level(30, 33, 64, 6),
  "node-high": level(40, 25, 64, 6),
  "leader-election": level(10, 0, 16, 4),
  "workload-high": level(40, 50, 128, 6),
  "workload-low": level(100, 90, 128, 6),
  "global-default": level(20, 50, 128, 6),
};

export interface Shipped<T> {
  readonly object: T;
  /** Mandatory objects are put back whatever their annotation says. */
  readonly mandatory: boolean;
}

function shipped<T>(make: (name: string, spec: unknown) => T, suggested: Readonly<Record<string, unknown>>, mandatory: Readonly<Record<string, unknown>>): readonly Shipped<T>[] {
  const of = (specs: Readonly<Record<string, unknown>>, isMandatory: boolean) => Object.entries(specs).map(([name, spec]) => ({ object: make(name, spec), mandatory: isMandatory }));
  return [...of(suggested, false), ...of(mandatory, true)];
}
const metadata = (name: string) => ({ name, annotations: { [autoUpdateAnnotation]: "true" } });

/** In the order in which they are made: levels before the schemas that name them. With their defaults, so that they compare with what is stored. */
export const shippedPriorityLevels: readonly Shipped<PriorityLevelConfiguration>[] = shipped((name, spec) =>
  priorityLevelConfigurationResource.defaults({ apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "PriorityLevelConfiguration", metadata: metadata(name), spec: spec as PriorityLevelConfigurationSpec }) as PriorityLevelConfiguration,
suggestedPriorityLevels, mandatoryPriorityLevels);
export const shippedFlowSchemas: readonly Shipped<FlowSchema>[] = shipped((name, spec) =>
  flowSchemaResource.defaults({ apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", metadata: metadata(name), spec: spec as FlowSchemaSpec }) as FlowSchema,
suggestedFlowSchemas, mandatoryFlowSchemas);
