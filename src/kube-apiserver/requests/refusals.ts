import { StatusError } from "../../apimachinery/status-error.ts";
import type { Answer } from "../answer.ts";

/** For paths that belong to nobody at all: not even a Status. */
export const pageNotFound: Answer = {
  is: "bytes", code: 404, contentType: "text/plain; charset=utf-8", body: "404 page not found\n", headers: { "x-content-type-options": "nosniff" },
};
export const resourceNotFound = (): StatusError => new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
export const methodNotAllowed = (): StatusError => new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", { details: {} });
