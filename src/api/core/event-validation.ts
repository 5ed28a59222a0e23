import { invalid, required, type FieldError } from "../../apimachinery/field-error.ts";
import { dns1123SubdomainErrors } from "../../apimachinery/validation.ts";
import { absent, immutable, invalidEach, qualifiedName } from "../checks.ts";
import { goForm } from "../go-form.ts";
import { semanticallyEqual } from "../strategy.ts";
import type { Event } from "../generated/core-v1.ts";
import { addAll } from "../../stdx/add-all.ts";

const limits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

/** Rules for events of either group; those with a time of their own are in the newer form, with its fields. */
export function validateEvent(event: Event, controllerField: "reportingComponent" | "reportingController"): readonly FieldError[] {
  const { metadata: { namespace = "" }, involvedObject, eventTime, reportingComponent = "", reportingInstance = "", action = "", reason = "", message = "" } = event;
  const of = involvedObject?.namespace ?? "";
  const elsewhere = invalid("involvedObject.namespace", of, "does not match event.namespace");
  const errors: FieldError[] = [];
  if (absent(eventTime)) {
    if (of === "" ? namespace !== "" && namespace !== "default" : namespace !== of) errors.push(elsewhere);
  } else {
    if (of === "" && namespace !== "default" && namespace !== "kube-system") errors.push(elsewhere);
    if (reportingComponent === "") errors.push(required(controllerField));
    addAll(errors, qualifiedName(controllerField, reportingComponent));
    for (const [field, value] of [["reportingInstance", reportingInstance], ["action", action], ["reason", reason]] as const) {
      if (value === "") errors.push(required(field));
      if (Buffer.byteLength(value) > limits[field]) errors.push(invalid(field, "", `can have at most ${limits[field]} characters`));
    }
    if (Buffer.byteLength(message) > limits.message) errors.push(invalid("message", "", `can have at most ${limits.message} characters`));
  }
  addAll(errors, invalidEach("namespace", namespace, dns1123SubdomainErrors(namespace)));
  return errors;
}

function validateSeries({ series }: Event): readonly FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalid("series.count", "", "should be at least 2"));
  if (absent(series.lastObservedTime)) errors.push(required("series.lastObservedTime"));
  return errors;
}

/** Events of events.k8s.io have none of the older fields. */
export function validateNewEvent(event: Event): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateEvent(event, "reportingController"));
  addAll(errors, validateSeries(event));
  if (absent(event.eventTime)) errors.push(required("eventTime"));
  if (event.type !== "Normal" && event.type !== "Warning") errors.push(invalid("type", "", `has invalid value: ${event.type ?? ""}`));
  for (const field of ["firstTimestamp", "lastTimestamp"] as const) if (!absent(event[field])) errors.push(invalid(field, "", "needs to be unset"));
  if ((event.count ?? 0) !== 0) errors.push(invalid("count", "", "needs to be unset"));
  if (!absent(event.source?.component) || !absent(event.source?.host)) errors.push(invalid("source", "", "needs to be unset"));
  return errors;
}

const kept = ["involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "type", "eventTime", "action", "related"] as const;
const texts: readonly string[] = ["reason", "message", "type", "action"];
export function validateNewEventUpdate(next: Event, previous: Event): readonly FieldError[] {
  const errors: FieldError[] = [];
  addAll(errors, validateEvent(next, "reportingController"));
  if (JSON.stringify(next.series) !== JSON.stringify(previous.series)) addAll(errors, validateSeries(next));
  for (const field of kept) {
    const value = field === "involvedObject" || field === "related" ? goForm(next[field], field === "related" ? "*ObjectReference" : "ObjectReference") : texts.includes(field) ? next[field] ?? "" : next[field];
    const same = field === "source" ? semanticallyEqual(next.source ?? {}, previous.source ?? {}) : semanticallyEqual(next[field], previous[field]);
    if (!same) errors.push(invalid(field, value, "field is immutable"));
  }
  addAll(errors, immutable("reportingController", next.reportingComponent ?? "", previous.reportingComponent ?? ""));
  addAll(errors, immutable("reportingInstance", next.reportingInstance ?? "", previous.reportingInstance ?? ""));
  return errors;
}
