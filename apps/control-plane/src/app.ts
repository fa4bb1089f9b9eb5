import type { AgentClient } from "@andromede/agent-api/client";
import type { Clock } from "@andromede/base/clock";
import type { Logger } from "@andromede/base/log";
import type { Database } from "@andromede/platform/db/database";
import type { KeyTree } from "@andromede/platform/keys/key-tree";
import type { TokenAuthority } from "@andromede/platform/tokens/token-verifier";

import type { Config } from "./config.ts";
import type { ReconcileSignal } from "./reconcile/signal.ts";
import type { ImageStore } from "./services/image/store/image-store.ts";
import type { OvnNorthbound } from "./services/network/ovn/northbound.ts";

/** Everything a use case or a reconciler may need, passed by hand: no container, no globals. */
export type App = {
  config: Config;
  db: Database;
  clock: Clock;
  log: Logger;
  /** Answers "whose token is this?" without asking the database. */
  tokens: TokenAuthority;
  keys: KeyTree;
  /** Wakes the workers after a commit; lets a caller wait for a key to settle. */
  reconcile: ReconcileSignal;
  /** null where no OVN is configured (API-only tests): network reconcilers then only mark rows as realised. */
  ovn: OvnNorthbound | null;
  agents: { client(host: string): AgentClient };
  /** Where the bytes of images are. */
  imageStore: ImageStore;
};
