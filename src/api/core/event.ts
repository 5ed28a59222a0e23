import { withStruct } from "../defaulting.ts";
import { validateEvent } from "./event-validation.ts";
import { events, type Event } from "../generated/core-v1.ts";
import { pathSegmentName } from "../names.ts";
import { defineResource } from "../resource.ts";
import { eventColumns } from "./event-columns.ts";

export const eventResource = defineResource<Event>(events, {
  // Events of the core group are hardly looked at, for there are so many of them.
  validateName: pathSegmentName,
  anyFinalizer: true,
  metadataRules: "afterwards",
  createOnUpdate: true,
  defaults: (event) => withStruct(event, "involvedObject"),
  selectableFields: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
    "reason": ({ reason }) => reason ?? "",
    "reportingComponent": ({ reportingComponent }) => reportingComponent ?? "",
    "source": ({ source, reportingComponent = "" }) => (source?.component === undefined || source.component === "" ? reportingComponent : source.component),
    "type": ({ type }) => type ?? "",
  },
  validate: (event) => validateEvent(event, "reportingComponent"),
  validateUpdate: (event) => validateEvent(event, "reportingComponent"),
  columns: eventColumns,
});
