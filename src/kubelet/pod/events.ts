import type { EventRecorder } from "../../client/event-recorder.ts";

/** Tells the users of a pod what happens to it. */
export type PodEvents = Pick<EventRecorder, "event">;
