/**
 * node:http, without what its ES module form brings along: an `import` of it reads every export there is, and among them is
 * a WebSocket client for which Node then loads the whole of undici, twelve megabytes in every process. The types may be
 * imported from "node:http" as usual.
 */
const http = process.getBuiltinModule("node:http");

/** See node:http. */
export const { STATUS_CODES, createServer, get, request } = http;
