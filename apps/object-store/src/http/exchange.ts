import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";

import type { CloudError } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";
import type { Actor } from "@andromede/platform/tokens/actor";

import type { Watch } from "../access-logs/access.model.ts";
import type { Door, Store } from "../store.ts";

/** One request and its answer, before either API has looked at it. */
export type Exchange = {
  store: Store;
  door: Door;
  request: IncomingMessage;
  response: ServerResponse;
  method: string;
  /** As it came, percent-encoded, without the query. Signatures are over these very characters. */
  rawPath: string;
  /** As it came, without `?`. */
  rawQuery: string;
  /** `tx` + 21 hex digits + `-` + 10 hex digits (Swift's form); S3's request id too. Set on the response already. */
  transactionId: string;
  /** When it came. */
  startedAtMs: number;
  /** Of a request that a server access log will tell of; null: none, or it is not known yet. */
  watch: Watch | null;
  /** The request's body. Tells a client that waits for leave to send it (Expect: 100-continue) to go on: ask for it once you want it. */
  body(): Readable;
  /** Address of the client, as seen by the listener. */
  address: string | null;
  /** For events; `actor` null: nobody signed in. */
  origin(actor: Actor | null): Origin;
  /** Whose traffic this is: the owner of the account or container. Counted when the answer is over; refuses (`unavailable`, 503 with Retry-After) above the rate. */
  charge(projectId: string): void;
};

/** One of the two APIs. */
export type Front = {
  handle(exchange: Exchange): Promise<void>;
  /** The answer to what was thrown, in the API's own format; only called while no header has gone out. */
  fail(exchange: Exchange, error: CloudError): void;
};
