import type { ErrorReply, Service } from "../service.ts";

const NAMES: { readonly [status: number]: string } = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  415: "badMediaType",
  429: "overLimit",
  501: "notImplemented",
  503: "serviceUnavailable",
};

/** `{"itemNotFound": {"code": 404, "message": "..."}}` (Compute API guide, "Faults"). Cinder says errors the same way. */
export const novaErrorBody: Service["errorBody"] = (error, status): ErrorReply => ({
  status,
  body: { [NAMES[status] ?? "computeFault"]: { code: status, message: error.message } },
});
