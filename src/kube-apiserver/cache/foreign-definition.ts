import type { KubeObject } from "../../apimachinery/object.ts";

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** v1beta1 writes the path of a column in capitals. */
const columnsOf = (value: unknown): readonly Fields[] | undefined =>
  Array.isArray(value) ? listOf(value).map(({ JSONPath, ...column }) => ({ ...column, ...(JSONPath !== undefined && { jsonPath: JSONPath }) })) : undefined;

const defined = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/**
 * A CustomResourceDefinition as upstream still stores it (v1beta1), in the version that is served: what was said once for all versions is
 * said by each of them, and the webhook's fields lie together.
 */
export function definitionFromV1beta1(object: KubeObject): KubeObject {
  const { spec } = object as KubeObject & { readonly spec?: unknown };
  const { version, versions, validation, subresources, additionalPrinterColumns, selectableFields, conversion, preserveUnknownFields, ...rest } = isFields(spec) ? spec : {};
  const named = listOf(versions).length > 0 ? listOf(versions) : typeof version === "string" && version !== "" ? [{ name: version, served: true, storage: true }] : [];
  const shared = defined({ schema: validation, subresources, additionalPrinterColumns: columnsOf(additionalPrinterColumns), selectableFields });
  const v1: Fields = {
    ...rest,
    versions: named.map((each: Fields) => ({ served: false, storage: false, ...each, ...defined({ additionalPrinterColumns: columnsOf(each["additionalPrinterColumns"]) }), ...shared })),
    ...(isFields(conversion) && { conversion: conversionOf(conversion) }),
    ...(preserveUnknownFields === true && { preserveUnknownFields }),
  };
  return { ...object, apiVersion: "apiextensions.k8s.io/v1", spec: v1 } as KubeObject;
}

function conversionOf({ webhookClientConfig, conversionReviewVersions, ...rest }: Fields): Fields {
  if (webhookClientConfig === undefined && conversionReviewVersions === undefined) return rest;
  return { ...rest, webhook: defined({ clientConfig: webhookClientConfig, conversionReviewVersions: conversionReviewVersions ?? [] }) };
}
