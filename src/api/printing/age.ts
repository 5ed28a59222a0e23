import { humanDuration } from "../../apimachinery/duration.ts";

/** How long ago a stored timestamp was; "<unknown>" where there is none. */
export function ageOf(timestamp: string | null | undefined, nowMs: number): string {
  if (timestamp === undefined || timestamp === null || timestamp === "") return "<unknown>";
  return humanDuration(nowMs - Date.parse(timestamp));
}
