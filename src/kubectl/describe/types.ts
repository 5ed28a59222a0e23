import type { Event, PodSpec } from "../../api/generated/core-v1.ts";

export type { Container, ContainerStatus, Event as CoreEvent, Node, Pod, PodSpec, PodTemplateSpec, Probe, Volume } from "../../api/generated/core-v1.ts";
export type EventList = readonly Event[];
export type Tolerations = PodSpec["tolerations"];
