import type { HttpTransport } from "../src/client/http-transport.ts";
import { systemClock } from "../src/stdx/clock.ts";

export async function untilReady(transport: HttpTransport, signal: AbortSignal): Promise<void> {
  while (!(await isReady(transport, signal))) await systemClock.sleep(5, { signal });
}

async function isReady(transport: HttpTransport, signal: AbortSignal): Promise<boolean> {
  try {
    using response = await transport.raw({ method: "GET", path: "/readyz", signal });
    return response.status === 200;
  } catch {
    return false; // Not listening yet.
  }
}
