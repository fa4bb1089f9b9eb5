import assert from "node:assert/strict";
import { test } from "node:test";

import { isAllowed, matchesPath } from "./access-rules.ts";

test("a path is matched part by part", () => {
  const table: [pattern: string, path: string, matches: boolean][] = [
    ["/v2.1/servers", "/v2.1/servers", true],
    ["/v2.1/servers", "/v2.1/servers/1", false],
    ["/v2.1/servers", "/v2x1/servers", false],
    ["/v2.1/servers/*", "/v2.1/servers/1", true],
    ["/v2.1/servers/*", "/v2.1/servers/", false],
    ["/v2.1/servers/*", "/v2.1/servers/1/ips", false],
    ["/v2.1/servers/{server_id}/ips", "/v2.1/servers/1/ips", true],
    ["/v2.1/servers/*/ips", "/v2.1/servers//ips", false],
    ["/v2.1/**", "/v2.1/servers/1/ips", true],
    ["/v2.1/**/ips", "/v2.1/servers/1/ips", true],
    ["/v2.1/**/ips", "/v2.1/servers/1/ipsx", false],
    ["**", "", true],
    ["/a{", "/a{", true],
  ];
  for (const [pattern, path, matches] of table) assert.equal(matchesPath(path, pattern), matches, `${pattern} ${path}`);
});

test("a malicious pattern costs no more than an honest one", () => {
  assert.equal(matchesPath("a".repeat(5_000), "**a".repeat(75)), true);
  assert.equal(matchesPath("a".repeat(5_000), `${"*a".repeat(110)}b`), false);
});

test("a rule is for a service, a verb and a path", () => {
  const rules = [{ service: "compute", method: "GET", path: "/v2.1/servers/*" }];
  const request = { service: "compute", mount: "/compute", method: "GET", path: "/compute/v2.1/servers/1" };
  assert.equal(isAllowed(rules, request), true);
  assert.equal(
    isAllowed(
      rules.map((rule) => ({ ...rule, path: "/compute/v2.1/servers/*" })),
      request,
    ),
    true,
  );
  assert.equal(isAllowed(rules, { ...request, method: "DELETE" }), false);
  assert.equal(isAllowed(rules, { ...request, service: "network" }), false);
  assert.equal(isAllowed([], request), false);
  const validation = { service: "identity", mount: "/identity", method: "GET", path: "/identity/v3/auth/tokens" };
  assert.equal(isAllowed([], validation), true);
  assert.equal(isAllowed([], { ...validation, method: "DELETE" }), false);
});
