import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import type { Credentials } from "@andromede/openstack-client/client";

import { cloudsYaml, environmentOf, shellExports } from "./accounts.ts";

const credentials: Credentials = {
  authUrl: "https://127.0.0.1:8443/identity/v3",
  username: "demo",
  password: `a'b "$c`,
  userDomain: "Default",
  project: "demo",
  projectDomain: "Default",
  caFile: "/data/ca.crt",
};

test("a shell reads the exports as they were meant", () => {
  const text = shellExports(environmentOf(credentials, "RegionOne"));
  assert.equal(
    execFileSync("sh", ["-c", `${text}printf %s "$OS_PASSWORD $OS_CACERT $OS_AUTH_URL"`], { encoding: "utf8" }),
    `a'b "$c /data/ca.crt https://127.0.0.1:8443/identity/v3`,
  );
});

test("clouds.yaml names the authority only where there is TLS", () => {
  const { caFile, ...plain } = credentials;
  const text = cloudsYaml({ one: credentials, two: plain }, "RegionOne");
  assert.equal(
    text,
    [
      "# Written by andromede up.",
      "clouds:",
      "  one:",
      "    auth:",
      '      auth_url: "https://127.0.0.1:8443/identity/v3"',
      '      username: "demo"',
      `      password: "a'b \\"$c"`,
      '      user_domain_name: "Default"',
      '      project_name: "demo"',
      '      project_domain_name: "Default"',
      '    region_name: "RegionOne"',
      "    interface: public",
      "    identity_api_version: 3",
      `    cacert: "${caFile}"`,
      "  two:",
      "    auth:",
      '      auth_url: "https://127.0.0.1:8443/identity/v3"',
      '      username: "demo"',
      `      password: "a'b \\"$c"`,
      '      user_domain_name: "Default"',
      '      project_name: "demo"',
      '      project_domain_name: "Default"',
      '    region_name: "RegionOne"',
      "    interface: public",
      "    identity_api_version: 3",
      "",
    ].join("\n"),
  );
});
