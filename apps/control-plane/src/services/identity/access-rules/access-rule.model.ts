/** A rule, and whose it is. */
import type { AccessRule } from "@andromede/platform/tokens/actor";

export type OwnedRule = AccessRule & { id: string; userId: string };
