/** Leaves out numbers that are 0 and lists that are empty, except those named in `keep`: how upstream writes statuses, and how they are compared. */
export function compact<T extends object>(status: T, keep: readonly (keyof T)[] = []): T {
  return Object.fromEntries(Object.entries(status).filter(([name, value]) =>
    value !== undefined && (keep.includes(name as keyof T) || (value !== 0 && !(Array.isArray(value) && value.length === 0))))) as T;
}

interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly lastTransitionTime?: string;
}

/** Replaces the condition of the same type. It stays as it is when status and reason are the same; its transition time stays when the status is. */
export function withCondition<C extends ConditionLike>(conditions: readonly C[] | undefined, condition: C): readonly C[] {
  const known = conditions?.find(({ type }) => type === condition.type);
  if (known && known.status === condition.status && known.reason === condition.reason) return conditions ?? [];
  const next = known && known.status === condition.status && known.lastTransitionTime !== undefined ? { ...condition, lastTransitionTime: known.lastTransitionTime } : condition;
  return [...withoutCondition(conditions, condition.type), next];
}

export const withoutCondition = <C extends { readonly type: string }>(conditions: readonly C[] | undefined, type: string): readonly C[] =>
  conditions?.some((condition) => condition.type === type) ? conditions.filter((condition) => condition.type !== type) : (conditions ?? []);
