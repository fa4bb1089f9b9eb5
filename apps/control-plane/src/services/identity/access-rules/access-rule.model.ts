import type { AccessRule } from "../../../http/identity-token.ts";

/** A rule, and whose it is. */
export type OwnedRule = AccessRule & { id: string; userId: string };
