import { STATUS_CODES } from "@andromede/base/node-http";

import type { ErrorReply, Service } from "../service.ts";

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Glance answers errors as a small HTML page (webob's); its clients show the text of `<body>`. Quota errors are 413 there. */
export const glanceErrorBody: Service["errorBody"] = (error, status): ErrorReply => {
  const shown = error.kind === "overQuota" && error.status === undefined ? 413 : status;
  const title = `${shown} ${STATUS_CODES[shown] ?? "Error"}`;
  return {
    status: shown,
    body: `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${escapeHtml(error.message)}<br /><br />\n\n\n </body>\n</html>`,
    headers: { "content-type": "text/html; charset=UTF-8" },
  };
};
