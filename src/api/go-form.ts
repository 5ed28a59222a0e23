/**
 * How upstream's own types look in an error text that shows a whole object: under the names of their Go fields, in the order of their
 * declaration, with nothing left out. Only shapes that occur in messages are described.
 */
export interface GoField {
  /** The name in the API; in Go it begins with a capital letter unless `go` says otherwise. */
  readonly json: string;
  readonly go?: string;
  /** What an absent field is shown as: null for pointers, lists and maps, "" for texts, … */
  readonly absent?: unknown;
  readonly fields?: readonly GoField[];
}

const capitalized = (name: string): string => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;

export function goForm(value: unknown, fields: readonly GoField[]): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map((each) => goForm(each, fields));
  return Object.fromEntries(fields.map(({ json, go = capitalized(json), absent = null, fields: inner }) => {
    const own = (value as Readonly<Record<string, unknown>>)[json] ?? absent;
    return [go, inner === undefined ? own : goForm(own, inner)];
  }));
}

const profileFields: readonly GoField[] = [{ json: "type", absent: "" }, { json: "localhostProfile" }];
export const securityContextFields: readonly GoField[] = [
  { json: "capabilities", fields: [{ json: "add" }, { json: "drop" }] },
  { json: "privileged" },
  { json: "seLinuxOptions", go: "SELinuxOptions", fields: [{ json: "user", absent: "" }, { json: "role", absent: "" }, { json: "type", absent: "" }, { json: "level", absent: "" }] },
  {
    json: "windowsOptions",
    fields: [{ json: "gmsaCredentialSpecName", go: "GMSACredentialSpecName" }, { json: "gmsaCredentialSpec", go: "GMSACredentialSpec" }, { json: "runAsUserName" }, { json: "hostProcess" }],
  },
  { json: "runAsUser" }, { json: "runAsGroup" }, { json: "runAsNonRoot" }, { json: "readOnlyRootFilesystem" }, { json: "allowPrivilegeEscalation" }, { json: "procMount" },
  { json: "seccompProfile", fields: profileFields }, { json: "appArmorProfile", fields: profileFields },
];

const requirementFields: readonly GoField[] = [{ json: "key", absent: "" }, { json: "operator", absent: "" }, { json: "values" }];
export const nodeSelectorTermFields: readonly GoField[] = [{ json: "matchExpressions", fields: requirementFields }, { json: "matchFields", fields: requirementFields }];
export const podResourceClaimFields: readonly GoField[] = [{ json: "name", absent: "" }, { json: "resourceClaimName" }, { json: "resourceClaimTemplateName" }];
export const seccompProfileFields = profileFields;

const scalingRulesFields: readonly GoField[] = [
  { json: "stabilizationWindowSeconds" }, { json: "selectPolicy" }, { json: "policies", fields: [{ json: "type", absent: "" }, { json: "value", absent: 0 }, { json: "periodSeconds", absent: 0 }] }, { json: "tolerance" },
];
export const scalingBehaviorFields: readonly GoField[] = [{ json: "scaleUp", fields: scalingRulesFields }, { json: "scaleDown", fields: scalingRulesFields }];

/** Update strategies of workloads; what is inside of them is shown only as being there. */
export const deploymentStrategyFields: readonly GoField[] = [{ json: "type", absent: "" }, { json: "rollingUpdate", fields: [{ json: "maxUnavailable" }, { json: "maxSurge" }] }];
export const statefulSetStrategyFields: readonly GoField[] = [{ json: "type", absent: "" }, { json: "rollingUpdate", fields: [{ json: "partition", absent: 0 }, { json: "maxUnavailable" }] }];
export const podFailurePolicyFields: readonly GoField[] = [{
  json: "rules",
  fields: [
    { json: "action", absent: "" },
    { json: "onExitCodes", fields: [{ json: "containerName" }, { json: "operator", absent: "" }, { json: "values" }] },
    { json: "onPodConditions", fields: [{ json: "type", absent: "" }, { json: "status", absent: "" }] },
  ],
}];
export const successPolicyFields: readonly GoField[] = [{ json: "rules", fields: [{ json: "succeededIndexes" }, { json: "succeededCount" }] }];
export const objectReferenceFields: readonly GoField[] = [
  { json: "kind", absent: "" }, { json: "namespace", absent: "" }, { json: "name", absent: "" }, { json: "uid", go: "UID", absent: "" }, { json: "apiVersion", go: "APIVersion", absent: "" },
  { json: "resourceVersion", absent: "" }, { json: "fieldPath", absent: "" },
];
export const nodeAffinityFields: readonly GoField[] = [{ json: "required", fields: [{ json: "nodeSelectorTerms", fields: nodeSelectorTermFields }] }];
export const roleRefFields: readonly GoField[] = [{ json: "apiGroup", go: "APIGroup", absent: "" }, { json: "kind", absent: "" }, { json: "name", absent: "" }];
export const parentRefFields: readonly GoField[] = [{ json: "group", absent: "" }, { json: "resource", absent: "" }, { json: "namespace", absent: "" }, { json: "name", absent: "" }];
export const csiNodeDriverFields: readonly GoField[] = [{ json: "name", absent: "" }, { json: "nodeID", absent: "" }, { json: "topologyKeys" }, { json: "allocatable", fields: [{ json: "count" }] }];
export const disruptionBudgetFields: readonly GoField[] = [{ json: "minAvailable" }, { json: "selector" }, { json: "maxUnavailable" }, { json: "unhealthyPodEvictionPolicy" }];
export const tolerationFields: readonly GoField[] = [{ json: "key", absent: "" }, { json: "operator", absent: "" }, { json: "value", absent: "" }, { json: "effect", absent: "" }, { json: "tolerationSeconds" }];
export const scopeSelectorFields: readonly GoField[] = [{ json: "matchExpressions", fields: [{ json: "scopeName", absent: "" }, { json: "operator", absent: "" }, { json: "values" }] }];
export const priorityLevelFields: readonly GoField[] = [
  { json: "type", absent: "" },
  {
    json: "limited",
    fields: [
      { json: "nominalConcurrencyShares", absent: 0 },
      { json: "limitResponse", fields: [{ json: "type", absent: "" }, { json: "queuing", fields: [{ json: "queues", absent: 0 }, { json: "handSize", absent: 0 }, { json: "queueLengthLimit", absent: 0 }] }] },
      { json: "lendablePercent" }, { json: "borrowingLimitPercent" },
    ],
  },
  { json: "exempt", fields: [{ json: "nominalConcurrencyShares" }, { json: "lendablePercent" }] },
];
