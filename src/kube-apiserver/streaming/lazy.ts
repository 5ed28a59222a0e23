import type { StreamingHandler } from "./streaming-handler.ts";
import type { StreamingOptions } from "./streaming.ts";

/** Loads what streams (WebSocket, Node's HTTP clients) with the first request that needs it, so that a server starts without. */
export function lazyStreamingHandler(options: StreamingOptions): StreamingHandler {
  let loaded: Promise<StreamingHandler> | undefined;
  const handler = () => (loaded ??= import("./streaming.ts").then(({ streamingHandler }) => streamingHandler(options)));
  return {
    serve: async (request, response) => (await handler()).serve(request, response),
    upgrade: async (request, socket, head) => (await handler()).upgrade(request, socket, head),
  };
}
