/** Node's HTTP/1.1, without what an `import` of it would load as well: WebSocket and fetch, 15 ms of every start. */
export const http = process.getBuiltinModule("node:http");
