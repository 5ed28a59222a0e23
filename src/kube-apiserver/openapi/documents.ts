import { definitionJson, reachableDefinitions, referenceTo, type Descriptions, type Json, type OpenApiVersion } from "./definitions.ts";
import type { Operation, Parameter, PathItem, Payload } from "./operations.ts";

const info: Json = { title: "Kubernetes", version: "unversioned" };
const bearerToken: Json = { BearerToken: { type: "apiKey", description: "Bearer Token authentication", name: "authorization", in: "header" } };
const responseTexts: Readonly<Record<number, string>> = { 200: "OK", 201: "Created", 202: "Accepted" };

const isSame = (a: Parameter, b: Parameter): boolean => a.name === b.name && a.in === b.in && a.type === b.type;

/** Parameters that all operations of a path have are said once, for the path. */
function hoist({ operations }: PathItem): { readonly shared: readonly Parameter[]; readonly own: (operation: Operation) => readonly Parameter[] } {
  const [first, ...others] = operations;
  const shared = (first?.parameters ?? []).filter((parameter) => others.every(({ parameters }) => parameters.some((other) => isSame(parameter, other))));
  return { shared, own: ({ parameters }) => parameters.filter((parameter) => !shared.some((other) => isSame(parameter, other))) };
}

const operationHead = (operation: Operation): Json => ({ ...(operation.description !== undefined && { description: operation.description }), operationId: operation.operationId, tags: [operation.tag] });
const operationTail = (operation: Operation): Json => ({
  ...(operation.action !== undefined && { "x-kubernetes-action": operation.action }), ...(operation.kind && { "x-kubernetes-group-version-kind": operation.kind }),
});

const payloadSchema = (payload: Payload, version: OpenApiVersion): Json | undefined =>
  payload === undefined ? undefined : "text" in payload ? { type: "string" } : referenceTo(payload.definition, version);

/** Path parameters first carry `required`; `uniqueItems` is what upstream's generator says of every parameter. */
const parameterHead = ({ name, in: place }: Parameter): Json => ({ name, in: place, ...(place === "path" && { required: true }) });

export interface DocumentInput {
  readonly paths: readonly PathItem[];
  readonly descriptions: Descriptions;
  /** Definitions that are not built in (custom resources), by name; they may refer to each other and to built-in ones. */
  readonly extraDefinitions?: Readonly<Record<string, Json>>;
}

function definitionNamesIn(paths: readonly PathItem[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { body, responses } of paths.flatMap(({ operations }) => operations)) {
    if (body) names.add(body.definition);
    for (const [, payload] of responses) if (payload && "definition" in payload) names.add(payload.definition);
  }
  return names;
}

/** Names of built-in definitions that a JSON schema refers to. */
function* referencesIn(value: unknown): Iterable<string> {
  if (Array.isArray(value)) for (const each of value) yield* referencesIn(each);
  else if (typeof value === "object" && value !== null) {
    for (const [key, each] of Object.entries(value)) {
      if (key === "$ref" && typeof each === "string") yield each.slice(each.lastIndexOf("/") + 1);
      else yield* referencesIn(each);
    }
  }
}

function definitions(names: Iterable<string>, version: OpenApiVersion, { descriptions, extraDefinitions = {} }: DocumentInput, ownGroupVersion?: string): Readonly<Record<string, Json>> {
  const wanted = [...names];
  const extra = Object.entries(extraDefinitions);
  const builtIn = reachableDefinitions([...wanted.filter((name) => !(name in extraDefinitions)), ...extra.flatMap(([, json]) => [...referencesIn(json)]).filter((name) => !(name in extraDefinitions))]);
  const all = [...builtIn.flatMap((name): readonly (readonly [string, Json])[] => {
    const json = definitionJson(name, version, descriptions, ownGroupVersion);
    return json ? [[name, json]] : [];
  }), ...extra];
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const content = (mediaTypes: readonly string[], schema: Json | undefined): Json => ({ content: Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }])) });

function operationV3(operation: Operation, own: readonly Parameter[]): Json {
  const responses = operation.responses.map(([code, payload]) => [String(code), {
    description: responseTexts[code], ...(payload && content(operation.produces, payloadSchema(payload, "v3"))),
  }] as const);
  return {
    ...operationHead(operation),
    ...(own.length > 0 && { parameters: own.map(parameterV3) }),
    ...(operation.body && { requestBody: { ...content(operation.body.mediaTypes, referenceTo(operation.body.definition, "v3")), ...(operation.body.required && { required: true }) } }),
    responses: Object.fromEntries([...responses, ["401", { description: "Unauthorized" }]]),
    ...operationTail(operation),
  };
}
const parameterV3 = (parameter: Parameter): Json => ({ ...parameterHead(parameter), schema: { type: parameter.type, uniqueItems: true } });

/** The document of one path of "/openapi/v3"; `groupVersion` ("apps/v1", "v1") where it is that of a group version. */
export function documentV3(input: DocumentInput, groupVersion?: string): Json {
  const paths = input.paths.map((item) => {
    const { shared, own } = hoist(item);
    const operations = item.operations.map((operation) => [operation.method, operationV3(operation, own(operation))] as const);
    return [item.path, { ...(shared.length > 0 && { parameters: shared.map(parameterV3) }), ...Object.fromEntries(operations) }] as const;
  });
  const schemas = definitions(definitionNamesIn(input.paths), "v3", input, groupVersion);
  return {
    openapi: "3.0.0", info, paths: Object.fromEntries(paths.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    components: { ...(Object.keys(schemas).length > 0 && { schemas }), securitySchemes: bearerToken },
  };
}

const parameterV2 = (parameter: Parameter): Json => ({ ...parameterHead(parameter), type: parameter.type, uniqueItems: true });

function operationV2(operation: Operation, own: readonly Json[]): Json {
  const body = operation.body && { name: "body", in: "body", ...(operation.body.required && { required: true }), schema: referenceTo(operation.body.definition, "v2") };
  const parameters = [...(body ? [body] : []), ...own];
  const responses = operation.responses.map(([code, payload]) => [String(code), { description: responseTexts[code], ...(payload && { schema: payloadSchema(payload, "v2") }) }] as const);
  return {
    ...operationHead(operation), ...(operation.consumes.length > 0 && { consumes: operation.consumes }), ...(operation.produces.length > 0 && { produces: operation.produces }), schemes: ["https"],
    ...(parameters.length > 0 && { parameters }), responses: Object.fromEntries([...responses, ["401", { description: "Unauthorized" }]]), ...operationTail(operation),
  };
}

/** Clients look for these in the operations themselves when they ask whether a server can dry-run or validate. */
const saidInPlace: ReadonlySet<string> = new Set(["dryRun", "fieldValidation", "name"]);

/** Everything in one document, as "/openapi/v2" has it. Parameters are said once and referred to. */
export function documentV2(input: DocumentInput): Json {
  const parameters = new Map<string, Json>();
  const shortened = (parameter: Parameter): Json => {
    if (saidInPlace.has(parameter.name)) return parameterV2(parameter);
    const base = `${parameter.name}-${parameter.in}-${parameter.type}`;
    parameters.set(base, parameterV2(parameter));
    return { $ref: `#/parameters/${base}` };
  };
  const paths = input.paths.map((item) => {
    const { shared, own } = hoist(item);
    const operations = item.operations.map((operation) => [operation.method, operationV2(operation, own(operation).map(shortened))] as const);
    return [item.path, { ...Object.fromEntries(operations), ...(shared.length > 0 && { parameters: shared.map(shortened) }) }] as const;
  });
  return {
    swagger: "2.0", info, paths: Object.fromEntries(paths.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    definitions: definitions(definitionNamesIn(input.paths), "v2", input),
    parameters: Object.fromEntries([...parameters].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    securityDefinitions: bearerToken, security: [{ BearerToken: [] }],
  };
}
