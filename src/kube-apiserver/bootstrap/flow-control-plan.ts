import type { FlowSchema, FlowSchemaCondition, PriorityLevelConfiguration } from "../../api/generated/flowcontrol-v1.ts";
import { semanticallyEqual } from "../../api/strategy.ts";
import { autoUpdateAnnotation, type Shipped } from "./flow-control-objects.ts";

type Configuration = FlowSchema | PriorityLevelConfiguration;
export type FlowControlWrite<T extends Configuration> = { readonly is: "create" | "update" | "delete"; readonly object: T };

/** As Go's ParseBool. */
const booleans: Readonly<Record<string, boolean>> = {
  1: true, t: true, T: true, true: true, TRUE: true, True: true, 0: false, f: false, F: false, false: false, FALSE: false, False: false,
};
const annotated = ({ metadata }: Configuration): boolean | undefined => {
  const value = metadata.annotations?.[autoUpdateAnnotation];
  return value !== undefined && Object.hasOwn(booleans, value) ? booleans[value] : undefined;
};

/** The exempt level's shares are the administrator's. */
function expectedSpec(shipped: Configuration, present: Configuration): unknown {
  if (shipped.kind !== "PriorityLevelConfiguration" || present.kind !== "PriorityLevelConfiguration" || shipped.metadata.name !== "exempt" || !present.spec?.exempt) return shipped.spec;
  const { nominalConcurrencyShares, lendablePercent } = present.spec.exempt;
  return { ...shipped.spec, exempt: { ...shipped.spec?.exempt, nominalConcurrencyShares, lendablePercent } };
}

/** Upstream's registry/flowcontrol/ensurer: what is missing is made, what nobody has taken over is kept current, and what is no longer shipped goes. */
export function planFlowControl<T extends Configuration>(shipped: readonly Shipped<T>[], present: readonly T[]): readonly FlowControlWrite<T>[] {
  const byName = new Map(present.map((object) => [object.metadata.name, object]));
  const names = new Set(shipped.map(({ object }) => object.metadata.name));
  return [
    ...shipped.flatMap(({ object, mandatory }): readonly FlowControlWrite<T>[] => {
      const current = byName.get(object.metadata.name);
      if (!current) return [{ is: "create", object }];
      // Without a say of anybody it is followed as long as nobody has changed it.
      const follows = mandatory || (annotated(current) ?? current.metadata.generation === 1);
      const differs = follows && !semanticallyEqual(expectedSpec(object, current), current.spec);
      if (!differs && annotated(current) === follows) return [];
      const annotations = annotated(current) === follows ? current.metadata.annotations : { ...current.metadata.annotations, [autoUpdateAnnotation]: String(follows) };
      return [{ is: "update", object: { ...current, metadata: { ...current.metadata, ...(annotations && { annotations }) }, ...(differs && { spec: object.spec }) } }];
    }),
    ...present.filter((object) => !names.has(object.metadata.name) && annotated(object) === true).map((object) => ({ is: "delete", object }) as const),
  ];
}

/** Whether the level that a schema names exists is said in its status; nothing when it is said already. */
export function planDangling({ spec, status }: FlowSchema, levels: ReadonlySet<string>): Pick<FlowSchemaCondition, "type" | "status" | "reason" | "message"> | undefined {
  const name = spec?.priorityLevelConfiguration.name ?? "";
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
  const condition = levels.has(name)
    ? { type: "Dangling", status: "False", reason: "Found", message: `${about} and it exists` }
    : { type: "Dangling", status: "True", reason: "NotFound", message: `${about} but there is no such object` };
  const present = status?.conditions?.find(({ type }) => type === "Dangling");
  return present?.status === condition.status && present.reason === condition.reason && present.message === condition.message ? undefined : condition;
}
