import { goShapes } from "./go-shapes.ts";

/**
 * How upstream's own types look in an error text that shows a whole value: under the names of their Go fields, in the order of their declaration,
 * with nothing left out.
 */
interface GoField {
  /** The name in the message; "" for a part whose fields stand among those of the whole. */
  readonly go: string;
  readonly json: string;
  readonly type: string;
  readonly omitsEmpty: boolean;
}

type Loose = Readonly<Record<string, unknown>>;

/** Cut into lines when the first message needs it, and each line into fields when its type is asked for: most processes never do. */
let lines: ReadonlyMap<string, string> | undefined;
/** Bounded by the number of lines. */
const known = new Map<string, readonly GoField[]>();

function fieldsOf(name: string): readonly GoField[] {
  const cached = known.get(name);
  if (cached) return cached;
  lines ??= new Map(goShapes.trim().split("\n").map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const));
  const fields = (lines.get(name) ?? "").split(" ").filter((text) => text !== "").map(parsedField);
  known.set(name, fields);
  return fields;
}

function parsedField(text: string): GoField {
  const [names = "", type = ""] = text.split(":", 2) as [string, string];
  const omitsEmpty = names.startsWith("?");
  const own = omitsEmpty ? names.slice(1) : names;
  if (own.startsWith("~")) return { go: "", json: own.slice(1), type, omitsEmpty };
  const [go = "", json = `${go.slice(0, 1).toLowerCase()}${go.slice(1)}`] = own.split("=", 2) as [string, string?];
  return { go, json, type, omitsEmpty };
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === "" || value === 0 || value === false || (typeof value === "object" && Object.keys(value).length === 0);

/** `type` is one of goShapes, perhaps within a list: "PodSpec", "[]NodeSelectorTerm". */
export function goForm(value: unknown, type: string): unknown {
  if (type.startsWith("*")) return value === undefined || value === null ? null : goForm(value, type.slice(1));
  // An empty list of containers was made by our defaults: a client hardly ever writes one.
  if (type.startsWith("[]")) return Array.isArray(value) && (value.length > 0 || type !== "[]Container") ? value.map((each) => goForm(each, type.slice(2))) : null;
  if (type.startsWith("{}")) {
    if (value === undefined || value === null) return null;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, goForm(each, type.slice(2))]));
  }
  switch (type) {
    case "s": return value ?? "";
    case "i": return value ?? 0;
    case "b": return value ?? false;
    case "q": return value ?? "0";
    case "t": case "j": return value ?? null;
    default: return structForm((value ?? {}) as Loose, type);
  }
}

function structForm(value: Loose, type: string): Loose {
  const whole = type === "PodSpec" ? withHostFlags(value) : value;
  const form: Record<string, unknown> = {};
  for (const { go, json, type: own, omitsEmpty } of fieldsOf(type)) {
    if (go === "") Object.assign(form, structForm(json === "" ? whole : (whole[json] ?? {}) as Loose, own));
    else if (!omitsEmpty || !isEmpty(whole[json])) form[go] = goForm(whole[json], own);
  }
  return form;
}

/** What the API has in the spec of a pod, upstream has in its security context. */
function withHostFlags(spec: Loose): Loose {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers, securityContext } = spec;
  return { ...spec, securityContext: { ...securityContext as object | undefined, hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } };
}
