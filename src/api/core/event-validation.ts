import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { absent, immutable, invalidEach, qualifiedName } from "../checks.ts";
import { goForm, objectReferenceFields } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import type { Event } from "../generated/core-v1.ts";

const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** Rules for events of either group; those with a time of their own are in the newer form, with its fields. */
export function* validateEvent(event: Event, controllerField: "reportingComponent" | "reportingController"): Generator<FieldError> {
  const { metadata: { namespace = "" }, involvedObject, eventTime, reportingComponent = "", reportingInstance = "", action = "", reason = "", message = "" } = event;
  const of = involvedObject?.namespace ?? "";
  const elsewhere = invalid("involvedObject.namespace", of, "does not match event.namespace");
  if (absent(eventTime)) {
    if (of === "" ? namespace !== "" && namespace !== "default" : namespace !== of) yield elsewhere;
  } else {
    if (of === "" && namespace !== "default" && namespace !== "kube-system") yield elsewhere;
    if (reportingComponent === "") yield required(controllerField);
    yield* qualifiedName(controllerField, reportingComponent);
    for (const [field, value] of [["reportingInstance", reportingInstance], ["action", action], ["reason", reason]] as const) {
      if (value === "") yield required(field);
      if (Buffer.byteLength(value) > limits[field]) yield invalid(field, "", `can have at most ${limits[field]} characters`);
    }
    if (Buffer.byteLength(message) > limits.message) yield invalid("message", "", `can have at most ${limits.message} characters`);
  }
  yield* invalidEach("namespace", namespace, dns1123SubdomainErrors(namespace));
}

function* validateSeries({ series }: Event): Generator<FieldError> {
  if (!series) return;
  if ((series.count ?? 0) < 2) yield invalid("series.count", "", "should be at least 2");
  if (absent(series.lastObservedTime)) yield required("series.lastObservedTime");
}

/** Events of events.k8s.io have none of the older fields. */
export function* validateNewEvent(event: Event): Generator<FieldError> {
  yield* validateEvent(event, "reportingController");
  yield* validateSeries(event);
  if (absent(event.eventTime)) yield required("eventTime");
  if (event.type !== "Normal" && event.type !== "Warning") yield invalid("type", "", `has invalid value: ${event.type ?? ""}`);
  for (const field of ["firstTimestamp", "lastTimestamp"] as const) if (!absent(event[field])) yield invalid(field, "", "needs to be unset");
  if ((event.count ?? 0) !== 0) yield invalid("count", "", "needs to be unset");
  if (!absent(event.source?.component) || !absent(event.source?.host)) yield invalid("source", "", "needs to be unset");
}

const kept = ["involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related"] as const;
const texts: readonly string[] = ["reason", "message", "type", "action"];
export function* validateNewEventUpdate(next: Event, previous: Event): Generator<FieldError> {
  yield* validateEvent(next, "reportingController");
  if (JSON.stringify(next.series) !== JSON.stringify(previous.series)) yield* validateSeries(next);
  for (const field of kept) {
    const value = field === "involvedObject" || field === "related" ? goForm(next[field], objectReferenceFields) : texts.includes(field) ? next[field] ?? "" : next[field];
    if (!semanticallyEqual(next[field], previous[field])) yield invalid(field, value, "field is immutable");
  }
  yield* immutable("reportingController", next.reportingComponent ?? "", previous.reportingComponent ?? "");
  yield* immutable("reportingInstance", next.reportingInstance ?? "", previous.reportingInstance ?? "");
}
