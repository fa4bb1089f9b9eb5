import { createHash, randomBytes } from "node:crypto";

import { type Json, type JsonObject, canonicalJson } from "@andromede/base/json";

import type { Queryable } from "../db/database.ts";

/** Who is behind a change: taken from the request, or `systemOrigin` for what the cloud does by itself. */
export type Origin = {
  requestId: string;
  userId: string | null;
  userName: string | null;
  projectId: string | null;
  plane: "customer" | "operator" | "system";
  /** Address of the client, as seen by the listener. */
  address: string | null;
};

export type EventInput = {
  /** `<service>.<class>.<verb>`, e.g. `compute.server.create`, `identity.token.issue`. */
  action: string;
  outcome?: "success" | "failure";
  /** Why it was refused or failed, in public words. */
  reason?: string;
  target: { type: string; id: string; projectId?: string | null };
  /** Small facts worth keeping; never a secret. */
  detail?: JsonObject;
};

export const systemOrigin = (what: string): Origin => ({
  requestId: what,
  userId: null,
  userName: null,
  projectId: null,
  plane: "system",
  address: null,
});

/** RFC 6962, section 2.1: a leaf's hash is over 0x00 and the leaf's bytes. */
export const leafHash = (body: string): Buffer => createHash("sha256").update(Uint8Array.of(0)).update(body).digest();

/** Time-ordered UUID (RFC 9562, version 7), so the primary key's index grows at its end. */
export function eventId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/**
 * Appends events inside the caller's transaction. `body` is the canonical JSON that the Merkle log's leaf covers;
 * the other columns repeat parts of it for queries, and `events verify` checks that they still agree.
 * The leaf's index is given later, in commit order, by the sequencer: a transaction never waits for the log.
 */
export async function insertEvents(sql: Queryable, origin: Origin, events: EventInput[], nowMs: number): Promise<void> {
  const rows = events.map((event) => {
    const id = eventId(nowMs);
    const time = new Date(nowMs).toISOString();
    const outcome = event.outcome ?? "success";
    const projectId = event.target.projectId ?? origin.projectId;
    const body = canonicalJson({
      id,
      time,
      action: event.action,
      outcome,
      reason: event.reason ?? null,
      origin: origin as unknown as Json,
      target: { type: event.target.type, id: event.target.id, projectId },
      detail: event.detail ?? {},
    });
    return {
      id,
      time,
      action: event.action,
      outcome,
      user_id: origin.userId,
      project_id: projectId,
      target_type: event.target.type,
      target_id: event.target.id,
      body,
      leaf_hash: leafHash(body),
    };
  });
  await sql`insert into event ${(sql as never as { (rows: object[]): never })(rows)}`;
}
