/**
 * Walks the route tables of every service: no token, a token that may not, a stranger's token, bodies and ids that are
 * nonsense. Each must be a 4xx in the API's own format and change nothing. A route added tomorrow is walked tomorrow.
 */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";

import { services } from "../services.ts";
import { digestDatabase } from "./digest.ts";
import { type WalkedRoute, bodyOf, fillPath, parametersOf, headersOf, walkRoutes } from "./every-route.ts";
import { type Samples, makeSamples } from "./samples.ts";
import { type Answer, type TestApp, createTestApp } from "./test-app.ts";

/** Where OpenStack itself answers a stranger with something other than 404, and what. */
const STRANGER_SEES: { [route: string]: { status: number[]; why: string } } = {
  "GET /compute/v2.1/os-quota-sets/:project_id": {
    status: [403],
    why: "Nova: policy os_compute_api:os-quota-sets:show asks for the own project",
  },
  "GET /compute/v2.1/os-quota-sets/:project_id/detail": { status: [403], why: "the same" },
  "GET /compute/v2.1/os-quota-sets/:project_id/defaults": { status: [200], why: "defaults are the same for everybody" },
  ...Object.fromEntries(
    [
      "GET /compute/v2.1/servers/:server_id/os-virtual-interfaces",
      "GET /compute/v2.1/servers/:server_id/consoles",
      "POST /compute/v2.1/servers/:server_id/consoles",
      "GET /compute/v2.1/servers/:server_id/consoles/:id",
      "DELETE /compute/v2.1/servers/:server_id/consoles/:id",
      "DELETE /compute/v2.1/os-networks/:network_id",
      "POST /compute/v2.1/os-networks/:network_id/action",
      "DELETE /compute/v2.1/os-tenant-networks/:network_id",
    ].map((route) => [route, { status: [410], why: "Nova: gone for everybody" }]),
  ),
  ...Object.fromEntries(
    ["", "/defaults"].map((below) => [
      `GET /volume/v3/os-quota-sets/:project_id${below}`,
      { status: [403], why: "Cinder: policy volume_extension:quotas:show asks for the own project" },
    ]),
  ),
  ...Object.fromEntries(
    ["os-volume-transfer", "volume-transfers"].map((name) => [
      `POST /volume/v3/${name}/:transfer_id/accept`,
      { status: [400], why: "Cinder: an offer is for strangers; what they need is its key" },
    ]),
  ),
  "GET /compute/v2.1/os-simple-tenant-usage/:project_id": {
    status: [403],
    why: "Nova: policy asks for the own project",
  },
};

/** Ids that are none. */
const NONSENSE = ["not-a-uuid", "-1", "99999999999999999999", "%00", "%E2%98%83", "..%2F..%2Fetc", "x".repeat(300)];

describe("every route", () => {
  let test: TestApp;
  let samples: Samples;
  const routes = walkRoutes(services);
  const roleOf = (walked: WalkedRoute): string =>
    walked.service.rules.find((rule) => rule.name === walked.row.rule)?.role ?? "none";

  before(async () => {
    test = await createTestApp({ services });
    samples = await makeSamples(test);
  });
  after(() => test.close());

  const pathOf = (walked: WalkedRoute): string =>
    fillPath(walked.service.mount, walked.row.path, (collection) => samples.idOf(collection));

  const tokenThatMay = (walked: WalkedRoute): string =>
    ["admin", "manager"].includes(roleOf(walked)) ? test.adminToken : samples.ownerToken;

  function send(
    walked: WalkedRoute,
    how: { token?: string; url?: string; body?: unknown; payload?: string; plane?: "customer" | "operator" },
  ): Promise<Answer> {
    return test.inject({
      method: walked.row.method,
      url: how.url ?? pathOf(walked),
      headers: headersOf(walked),
      ...how,
    });
  }

  /** What was wrong, of the whole walk: one run shows every route that misbehaves. */
  const problems: string[] = [];
  afterEach(() => {
    const found = problems.splice(0);
    assert.equal(found.length, 0, `${found.length} problems\n${found.join("\n")}`);
  });

  /** A 4xx that was expected, in the API's own format. */
  function expectRefusal(walked: WalkedRoute, answer: Answer, statuses: number[], what: string): void {
    if (!statuses.includes(answer.status)) {
      problems.push(`${walked.name}, ${what}: ${answer.status} ${answer.text.replaceAll(/\s+/g, " ").slice(0, 200)}`);
    } else if (walked.row.method !== "HEAD" && !saysError(walked, answer)) {
      problems.push(`${walked.name}, ${what}: not this API's error format: ${answer.text.slice(0, 200)}`);
    }
  }

  function saysError(walked: WalkedRoute, answer: Answer): boolean {
    const body = answer.body as { [key: string]: { [key: string]: unknown } } | undefined;
    switch (walked.service.name) {
      case "identity":
      case "operator":
        return body?.["error"]?.["code"] === answer.status;
      case "network":
        return typeof body?.["NeutronError"]?.["message"] === "string";
      case "image":
        return new RegExp(`<h1>${answer.status}`).test(answer.text);
      case "compute":
      case "volume":
        return Object.values(body ?? {})[0]?.["code"] === answer.status;
    }
  }

  async function changesNothing(walked: WalkedRoute, work: () => Promise<void>): Promise<void> {
    const before = await digestDatabase(test.app.db);
    await work();
    const after = await digestDatabase(test.app.db);
    for (const table of Object.keys(after)) {
      if (before[table] !== after[table]) problems.push(`${walked.name} changed table ${table}`);
    }
  }

  it("exists, with a rule that its service knows", () => {
    assert.ok(routes.length > 100);
    for (const walked of routes) assert.notEqual(roleOf(walked), "none", walked.name);
  });

  it("asks for a token", async () => {
    for (const walked of routes.filter((one) => roleOf(one) !== "anyone")) {
      await changesNothing(walked, async () => {
        expectRefusal(walked, await send(walked, { body: bodyOf(walked) }), [401], "no token");
        expectRefusal(
          walked,
          await send(walked, { body: bodyOf(walked), token: "gAAAAABnonsense" }),
          [401],
          "a made-up token",
        );
      });
    }
  });

  it("asks for the role its rule names", async () => {
    const nobody = test.tokenFor({ roles: ["unrelated"] });
    const manager = test.tokenFor({ roles: ["manager"] });
    for (const walked of routes) {
      const role = roleOf(walked);
      if (role === "anyone" || role === "authenticated") continue;
      await changesNothing(walked, async () => {
        const token = role === "admin" ? manager : nobody;
        expectRefusal(walked, await send(walked, { body: bodyOf(walked), token }), [403], "wrong role");
      });
    }
  });

  it("does not know another project's things", async () => {
    const [member, manager] = ["member", "manager"].map((role) => test.tokenFor({ roles: [role] }));
    for (const walked of routes) {
      const stranger = roleOf(walked) === "manager" ? manager : member;
      const owned = parametersOf(walked.row.path).some(({ collection }) => samples.isOwned(collection));
      if (!owned || ["admin", "anyone"].includes(roleOf(walked))) continue;
      await changesNothing(walked, async () => {
        const answer = await send(walked, { body: bodyOf(walked), token: stranger ?? "" });
        const exception = STRANGER_SEES[walked.name];
        if (exception !== undefined && exception.status.includes(answer.status)) return;
        expectRefusal(walked, answer, [404], "a stranger");
      });
    }
  });

  it("does not know nonsense ids", async () => {
    for (const walked of routes.filter((one) => parametersOf(one.row.path).length > 0)) {
      const last = parametersOf(walked.row.path).at(-1)?.collection ?? "";
      await changesNothing(walked, async () => {
        for (const nonsense of NONSENSE) {
          const url = fillPath(walked.service.mount, walked.row.path, (collection) =>
            collection === last ? nonsense : samples.idOf(collection),
          );
          const token = tokenThatMay(walked);
          if (samples.isFree(last)) continue;
          expectRefusal(
            walked,
            await send(walked, { url, body: bodyOf(walked), token }),
            // 410: whatever the id, what it would name is gone (compute/gone)
            [400, 401, 403, 404, 409, 410],
            `id ${nonsense}`,
          );
        }
      });
    }
  });

  it("refuses bodies that make no sense", async () => {
    for (const walked of routes.filter((one) => one.row.body !== undefined && one.row.body !== "stream")) {
      const token = tokenThatMay(walked);
      await changesNothing(walked, async () => {
        for (const payload of ['{"x":', "", '"text"', "1", "null", '{"unheard-of": {"of": 1}}', '{"a":"\\u0000"}']) {
          expectRefusal(walked, await send(walked, { payload, token }), [400, 401], `body ${payload}`);
        }
        expectRefusal(
          walked,
          await send(walked, { payload: `{"x":"${"y".repeat(10 * 1024 * 1024)}"}`, token }),
          [413],
          "10 MiB",
        );
      });
    }
  });

  it("refuses values of the wrong type where it took the right one", async () => {
    for (const walked of routes.filter((one) => one.row.body !== undefined && one.row.body !== "stream")) {
      const token = tokenThatMay(walked);
      const good = bodyOf(walked);
      if (typeof good !== "object" || good === null || Array.isArray(good)) continue;
      await changesNothing(walked, async () => {
        for (const [member, value] of Object.entries(good)) {
          const bad = { ...good, [member]: typeof value === "object" && value !== null ? 7 : { not: "this" } };
          if (value === null) continue; // actions without arguments ignore what they are given
          expectRefusal(walked, await send(walked, { body: bad, token }), [400, 401], `${member} of the wrong type`);
        }
      });
    }
  });

  it("survives nonsense in the query, and refuses negative pages", async () => {
    const nonsense = [
      "limit=-1",
      "limit=x",
      "limit=99999999999999999999",
      "marker=%00",
      "marker=nobody",
      "sort_key=%27",
      "sort_dir=up",
      "fields=%00",
      "name=%25%27%22",
    ];
    for (const walked of routes.filter((one) => one.row.method === "GET" && roleOf(one) !== "anyone")) {
      const token = tokenThatMay(walked);
      await changesNothing(walked, async () => {
        for (const query of nonsense) {
          const answer = await send(walked, { url: `${pathOf(walked)}?${query}`, token });
          if (answer.status >= 500)
            problems.push(`${walked.name}?${query}: ${answer.status} ${answer.text.slice(0, 200)}`);
        }
        if (samples.isPaged(walked.name))
          expectRefusal(walked, await send(walked, { url: `${pathOf(walked)}?limit=-1`, token }), [400], "limit=-1");
      });
    }
  });
});
