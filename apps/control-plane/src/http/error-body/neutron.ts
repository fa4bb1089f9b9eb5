import type { ErrorKind } from "@andromede/base/errors";

import type { ErrorReply, Service } from "../service.ts";

const TYPES: { readonly [kind in ErrorKind]: string } = {
  invalid: "HTTPBadRequest",
  unauthenticated: "HTTPUnauthorized",
  forbidden: "HTTPForbidden",
  notFound: "HTTPNotFound",
  conflict: "HTTPConflict",
  overQuota: "OverQuota",
  tooLarge: "HTTPRequestEntityTooLarge",
  noCapacity: "IpAddressGenerationFailure",
  unavailable: "HTTPServiceUnavailable",
  notImplemented: "HTTPNotImplemented",
  internal: "HTTPInternalServerError",
};

/** `{"NeutronError": {"type", "message", "detail"}}`; quota errors are 409 there (Networking API v2.0, "Faults"). */
export const neutronErrorBody: Service["errorBody"] = (error, status): ErrorReply => ({
  status: error.kind === "overQuota" && error.status === undefined ? 409 : status,
  body: { NeutronError: { type: error.type ?? TYPES[error.kind], message: error.message, detail: "" } },
});
