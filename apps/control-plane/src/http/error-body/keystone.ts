import { STATUS_CODES } from "@andromede/base/node-http";

import type { ErrorReply, Service } from "../service.ts";

/** `{"error": {"code": 401, "message": "...", "title": "Unauthorized"}}` (Identity API v3, "Errors"). A 401 says how to sign in. */
export const keystoneErrorBody: Service["errorBody"] = (error, status): ErrorReply => ({
  status,
  body: { error: { code: status, message: error.message, title: STATUS_CODES[status] ?? "Error" } },
  ...(status === 401 ? { headers: { "www-authenticate": "Keystone" } } : {}),
});
