import type { Clock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";
import type { KeyTree } from "@andromede/platform/keys/key-tree";

import type { ByteStore } from "../bytes/byte-store.ts";

/** What the namespace stands on. */
export type NamespaceDeps = { db: Database; clock: Clock; log: Logger; keys: KeyTree; bytes: ByteStore };
