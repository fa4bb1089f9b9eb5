import type { Clock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";
import type { KeyTree } from "@andromede/platform/keys/key-tree";
import type { Plane, TokenVerifier } from "@andromede/platform/tokens/actor";

import type { AccessLog } from "./access-logs/access-log.ts";
import type { AccessKeys } from "./access/access-keys.ts";
import type { ByteStore } from "./bytes/byte-store.ts";
import type { Config } from "./config.ts";
import type { Namespace } from "./namespace/namespace.ts";

/** Everything a request may need, passed by hand. */
export type Store = {
  config: Config;
  db: Database;
  clock: Clock;
  log: Logger;
  keys: KeyTree;
  /** Answers "whose token is this?" without asking the database. */
  tokens: TokenVerifier;
  accessKeys: AccessKeys;
  bytes: ByteStore;
  namespace: Namespace;
  /** Takes in records of requests to containers that have a log. */
  accessLog: AccessLog;
};

/** Which door a request came through. */
export type Door = { plane: Plane; url: string };
