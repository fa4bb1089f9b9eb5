import type { ErrorReply, Service } from "../service.ts";
import { novaErrorBody } from "./nova.ts";

/**
 * Cinder says errors as Nova does (Block Storage API v3, "Faults"); what is over a quota is 413 there, says when to try
 * again, and its message begins with the name of the limit.
 */
export const cinderErrorBody: Service["errorBody"] = (error, status, requestId): ErrorReply => {
  if (status !== 413) return novaErrorBody(error, status, requestId);
  return {
    status,
    body: { overLimit: { code: status, message: error.message, retryAfter: "0" } },
    headers: { "retry-after": "0" },
  };
};
