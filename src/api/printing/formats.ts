/** Pieces of text that several kinds show in their columns. */
interface SelectorLike {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}
interface TemplateLike { readonly spec?: { readonly containers?: readonly { readonly name?: string; readonly image?: string }[] } }

/** "a=b,c=d" in the order of keys, "<none>" for no labels. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "<none>" : pairs.join(",");
}

/** A label selector in the form that `-l` takes; undefined for an operator that does not exist. */
export function selectorText(selector: SelectorLike | undefined): string | undefined {
  const requirements: { readonly key: string; readonly text: string }[] = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = values.toSorted().join(",");
    const text = { In: `${key} in (${list})`, NotIn: `${key} notin (${list})`, Exists: key, DoesNotExist: `!${key}` }[operator];
    if (text === undefined) return undefined;
    requirements.push({ key, text });
  }
  return requirements.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ text }) => text).join(",");
}

export function formatLabelSelector(selector: SelectorLike | undefined): string {
  const text = selectorText(selector);
  return text === undefined ? "<error>" : text === "" ? "<none>" : text;
}

export const containerNames = (template: TemplateLike | undefined): string => (template?.spec?.containers ?? []).map(({ name }) => name ?? "").join(",");
export const containerImages = (template: TemplateLike | undefined): string => (template?.spec?.containers ?? []).map(({ image }) => image ?? "").join(",");

/** The first three of a list, and how many more there are. */
export function withMore(list: readonly string[], max = 3): string {
  if (list.length === 0) return "<unset>";
  return list.length > max ? `${list.slice(0, max).join(",")} + ${list.length - max} more...` : list.join(",");
}

export const addressesOf = (ingress: readonly { readonly ip?: string; readonly hostname?: string }[] | undefined): string =>
  [...new Set((ingress ?? []).map(({ ip = "", hostname = "" }) => (ip === "" ? hostname : ip)).filter((each) => each !== ""))].toSorted().join(",");

/** "RWO,ROX": access modes in their short form, in upstream's order. */
export function accessModesText(modes: readonly string[] | undefined): string {
  const short = [["ReadWriteOnce", "RWO"], ["ReadOnlyMany", "ROX"], ["ReadWriteMany", "RWX"], ["ReadWriteOncePod", "RWOP"]] as const;
  return short.filter(([mode]) => modes?.includes(mode)).map(([, text]) => text).join(",");
}

export const orText = (value: string | undefined, otherwise: string): string => (value === undefined || value === "" ? otherwise : value);
