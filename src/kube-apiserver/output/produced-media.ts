import { StatusError } from "../../apimachinery/status-error.ts";
import { contentTypeOf } from "./negotiation.ts";

const whole = Object.values(contentTypeOf);
/** What lists and watches can be answered in, the forms of streams last: upstream names them in this order. */
const wholeOrStreamed = [...whole, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];

/** What the routes of a verb say that they produce. */
export const producedBy = (verb: string): readonly string[] => (verb === "list" || verb === "watch" ? wholeOrStreamed : whole);
export const documentMedia: readonly string[] = whole;

/**
 * Upstream's router looks at the Accept header before any handler does, and knows whole media types only, without parameters and wildcards but for that of everything: "application/*" finds nothing.
 * @throws {StatusError} NotAcceptable, in the router's words.
 */
export function checkProduced(accept: string | string[] | undefined, produced: readonly string[]): void {
  // Upstream reads the first of several headers.
  const header = (typeof accept === "string" ? accept : accept?.[0]) ?? "";
  if (header === "" || header === "*/*" || header === "application/json") return;
  for (const clause of header.split(",")) {
    const media = (clause.split(";", 1)[0] ?? "").trim();
    if (media === "*/*" || produced.includes(media)) return;
  }
  throw new StatusError("NotAcceptable", `406: Not Acceptable\n\nAvailable representations: ${produced.join(", ")}`, { details: {} });
}
