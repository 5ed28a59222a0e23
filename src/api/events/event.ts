import type { KubeObject } from "../../apimachinery/object.ts";
import { events as coreEvents, type Event as CoreEvent } from "../generated/core-v1.ts";
import { events, type Event } from "../generated/events-v1.ts";
import { eventColumns } from "../core/event-columns.ts";
import { validateNewEvent, validateNewEventUpdate } from "../core/event-validation.ts";
import { dnsSubdomainName } from "../names.ts";
import type { Column } from "../resource.ts";
import { defineResource } from "../resource.ts";

/** The same object under its older names, in which it is stored. */
function toStored({ apiVersion: _, regarding, note, reportingController, deprecatedCount, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedSource, ...rest }: Event): CoreEvent {
  return {
    ...rest, apiVersion: "v1", involvedObject: regarding ?? {},
    ...(note !== undefined && { message: note }),
    ...(reportingController !== undefined && { reportingComponent: reportingController }),
    ...(deprecatedCount !== undefined && { count: deprecatedCount }),
    ...(deprecatedFirstTimestamp !== undefined && { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp !== undefined && { lastTimestamp: deprecatedLastTimestamp }),
    ...(deprecatedSource !== undefined && { source: deprecatedSource }),
  } as CoreEvent;
}

function fromStored(stored: KubeObject): Event {
  const { apiVersion: _, involvedObject, message, reportingComponent, reportingInstance, count, firstTimestamp, lastTimestamp, source, eventTime, ...rest } = stored as CoreEvent;
  return {
    ...rest, apiVersion: "events.k8s.io/v1", regarding: involvedObject, eventTime: eventTime ?? null,
    ...(message !== undefined && { note: message }),
    // Written always in the older form, and here only when they say something.
    ...(reportingComponent && { reportingController: reportingComponent }),
    ...(reportingInstance && { reportingInstance }),
    ...(count !== undefined && { deprecatedCount: count }),
    ...(firstTimestamp !== undefined && { deprecatedFirstTimestamp: firstTimestamp }),
    ...(lastTimestamp !== undefined && { deprecatedLastTimestamp: lastTimestamp }),
    ...(source !== undefined && { deprecatedSource: source }),
  } as Event;
}

const onStored = (column: Column<CoreEvent>): Column<Event> => ({ ...column, cell: (event, nowMs) => column.cell(toStored(event), nowMs) });

export const eventsEventResource = defineResource<Event>(events, {
  validateName: dnsSubdomainName,
  createOnUpdate: true,
  storedAs: { type: coreEvents, toStored, fromStored },
  selectableFields: {
    "regarding.kind": ({ regarding }) => regarding?.kind ?? "",
    "regarding.namespace": ({ regarding }) => regarding?.namespace ?? "",
    "regarding.name": ({ regarding }) => regarding?.name ?? "",
    "regarding.uid": ({ regarding }) => regarding?.uid ?? "",
    "regarding.apiVersion": ({ regarding }) => regarding?.apiVersion ?? "",
    "regarding.resourceVersion": ({ regarding }) => regarding?.resourceVersion ?? "",
    "regarding.fieldPath": ({ regarding }) => regarding?.fieldPath ?? "",
    "reason": ({ reason }) => reason ?? "",
    "reportingController": ({ reportingController }) => reportingController ?? "",
    "type": ({ type }) => type ?? "",
  },
  validate: (event) => validateNewEvent(toStored(event)),
  validateUpdate: (next, previous) => validateNewEventUpdate(toStored(next), toStored(previous)),
  columns: eventColumns.map(onStored),
});
