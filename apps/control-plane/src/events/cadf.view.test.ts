import assert from "node:assert/strict";
import { it } from "node:test";

import { canonicalJson } from "@andromede/base/json";
import { leafHash } from "@andromede/platform/events/append";

import { toCadfEvent } from "./cadf.view.ts";
import type { EventRow } from "./events.queries.ts";

function row(body: { [name: string]: unknown }, columns: Partial<EventRow> = {}): EventRow {
  const text = canonicalJson(body as never);
  return {
    id: "01900000-0000-7000-8000-000000000001",
    time: new Date("2026-11-22T01:02:03.456Z"),
    action: "compute.server.create",
    outcome: "success",
    userId: "u1",
    projectId: "p1",
    targetType: "server",
    targetId: "s1",
    body: text,
    leafHash: leafHash(text),
    leafIndex: 7,
    ...columns,
  };
}

const origin = {
  requestId: "req-1",
  userId: "u1",
  userName: "ada",
  projectId: "p1",
  plane: "customer",
  address: "192.0.2.1",
};

it("an event says who did what to which", () => {
  assert.deepEqual(toCadfEvent(row({ origin, detail: { name: "web" }, reason: null })), {
    typeURI: "http://schemas.dmtf.org/cloud/audit/1.0/event",
    eventType: "activity",
    id: "01900000-0000-7000-8000-000000000001",
    eventTime: "2026-11-22T01:02:03.456Z",
    action: "create",
    outcome: "success",
    initiator: {
      id: "u1",
      typeURI: "data/security/account/user",
      name: "ada",
      project_id: "p1",
      request_id: "req-1",
      host: { address: "192.0.2.1" },
    },
    target: { id: "s1", typeURI: "compute/server", project_id: "p1" },
    observer: { id: "compute", typeURI: "service/compute", name: "compute.server.create" },
    attachments: [{ name: "detail", contentType: "application/json", content: { name: "web" } }],
    log_index: 7,
  });
});

it("a refused sign-in is a failed authentication, with its reason", () => {
  const event = toCadfEvent(
    row(
      { origin: { ...origin, userId: null, userName: null }, detail: {}, reason: "wrong password" },
      {
        action: "identity.token.issue",
        outcome: "failure",
        projectId: null,
        targetType: "user",
      },
    ),
  );
  assert.deepEqual(
    [event.action, event.outcome, event.reason?.reasonCode],
    ["authenticate", "failure", "wrong password"],
  );
  assert.deepEqual(
    [event.initiator.id, event.target.typeURI, event.attachments],
    ["system", "data/security/user", undefined],
  );
  assert.equal("project_id" in event.target, false);
});

it("a row whose body somebody broke is still shown", () => {
  const event = toCadfEvent(row({}, { body: "{" }));
  assert.deepEqual([event.action, event.initiator.id], ["create", "system"]);
});
