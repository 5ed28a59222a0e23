import { clausesOf } from "../output/negotiation.ts";

/** The forms in which an OpenAPI document is had. */
export type DocumentForm = "json" | "protobuf";

/**
 * Protobuf has two names: the one with an "@", which client-go has always asked by, is no valid media type, and the one that an answer carries. Undefined when the client takes
 * neither form.
 */
export function openApiForm(version: 2 | 3, accept: string | undefined): DocumentForm | undefined {
  const name = `application/com.github.proto-openapi.spec.v${version}`;
  for (const { type } of clausesOf(accept === undefined || accept === "" ? "*/*" : accept)) {
    if (type === "application/json" || type === "application/*" || type === "*/*") return "json";
    if (type === `${name}@v1.0+protobuf` || type === `${name}.v1.0+protobuf`) return "protobuf";
  }
  return undefined;
}

export const openApiMediaType = (version: 2 | 3, form: DocumentForm): string => (form === "json" ? "application/json" : `application/com.github.proto-openapi.spec.v${version}.v1.0+protobuf`);
