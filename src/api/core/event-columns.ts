import type { Event } from "../generated/core-v1.ts";
import { ageOf } from "../printing/age.ts";
import { text, wide } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import type { Column } from "../resource.ts";

const firstSeen = ({ firstTimestamp, eventTime }: Event, nowMs: number): string => ageOf(orText(firstTimestamp ?? "", eventTime ?? ""), nowMs);
function lastSeen(event: Event, nowMs: number): string {
  if (event.series) return ageOf(event.series.lastObservedTime, nowMs);
  return orText(event.lastTimestamp ?? "", "") === "" ? firstSeen(event, nowMs) : ageOf(event.lastTimestamp, nowMs);
}
function objectText({ involvedObject: { kind = "", name = "" } }: Event): string {
  return name === "" ? kind.toLowerCase() : `${kind.toLowerCase()}/${name}`;
}
function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = orText(source?.component, reportingComponent ?? "");
  const host = orText(source?.host, reportingInstance ?? "");
  return host === "" ? component : `${component}, ${host}`;
}

export const eventColumns: readonly Column<Event>[] = [
  text("Last Seen", lastSeen),
  text("Type", ({ type }) => type ?? ""),
  text("Reason", ({ reason }) => reason ?? ""),
  text("Object", objectText),
  wide("Subobject", ({ involvedObject }) => involvedObject.fieldPath ?? ""),
  wide("Source", sourceText),
  text("Message", ({ message = "" }) => message.trim()),
  wide("First Seen", firstSeen),
  wide("Count", ({ series, count = 0 }) => series?.count ?? (count === 0 ? 1 : count)),
  { ...wide("Name", ({ metadata }) => metadata.name ?? ""), format: "name" },
];
