/** Swift v1: which handler for which verb, level and word in the query. */
import { readAccount, updateAccount } from "./accounts/account.handlers.ts";
import { bulkDelete } from "./bulk/bulk-delete.ts";
import { extractArchive } from "./bulk/extract-archive.ts";
import { deleteContainer, postContainer, putContainer } from "./containers/container.handlers.ts";
import { METHODS } from "./cors/cors.ts";
import { optionsReply } from "./cors/preflight.ts";
import { copyObject } from "./objects/copy-object.ts";
import { deleteObject } from "./objects/delete-object.ts";
import { postObject } from "./objects/post-object.ts";
import { putObject } from "./objects/put-object.ts";
import { getObjectOrPage, readContainerOrSite } from "./static-web/static-web.ts";
import type { SwiftRequest } from "./swift-request.ts";
import type { Level } from "./wire/metadata.ts";
import { refusal } from "./wire/refusal.ts";
import type { Reply } from "./wire/reply.ts";
import type { Query } from "./wire/text.ts";

export type Handler = (request: SwiftRequest) => Promise<Reply>;
export type Route = {
  method: string;
  level: Level | "any";
  /** A word that must be in the query. */
  flag?: string;
  handler: Handler;
};

export const routes: Route[] = [
  { method: "PUT", level: "any", flag: "extract-archive", handler: extractArchive },
  { method: "POST", level: "any", flag: "bulk-delete", handler: bulkDelete },
  { method: "DELETE", level: "any", flag: "bulk-delete", handler: bulkDelete },

  { method: "GET", level: "account", handler: readAccount },
  { method: "HEAD", level: "account", handler: readAccount },
  { method: "POST", level: "account", handler: updateAccount },
  { method: "OPTIONS", level: "account", handler: optionsReply },

  { method: "GET", level: "container", handler: readContainerOrSite },
  { method: "HEAD", level: "container", handler: readContainerOrSite },
  { method: "PUT", level: "container", handler: putContainer },
  { method: "POST", level: "container", handler: postContainer },
  { method: "DELETE", level: "container", handler: deleteContainer },
  { method: "OPTIONS", level: "container", handler: optionsReply },

  { method: "GET", level: "object", handler: getObjectOrPage },
  { method: "HEAD", level: "object", handler: getObjectOrPage },
  { method: "PUT", level: "object", handler: putObject },
  { method: "POST", level: "object", handler: postObject },
  { method: "COPY", level: "object", handler: copyObject },
  { method: "DELETE", level: "object", handler: deleteObject },
  { method: "OPTIONS", level: "object", handler: optionsReply },
];

const plain = new Map(
  routes.filter(({ flag }) => flag === undefined).map((row) => [`${row.level} ${row.method}`, row]),
);
const flagged = routes.filter(({ flag }) => flag !== undefined);

/** Throws 405 for what there is not. */
export function findRoute(method: string, level: Level, query: Query): Handler {
  for (const row of flagged)
    if (row.method === method && row.flag !== undefined && query[row.flag] !== undefined) return row.handler;
  const found = plain.get(`${level} ${method}`);
  if (found !== undefined) return found.handler;
  throw refusal(405, "", { headers: { Allow: METHODS[level].join(", ") } });
}
