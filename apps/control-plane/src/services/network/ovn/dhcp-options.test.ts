import assert from "node:assert/strict";
import { test } from "node:test";

import { dhcpDisabled, ovnDhcpOptions } from "./dhcp-options.ts";

test("names and numbers become OVN's names, texts are quoted, the unknown is left out", () => {
  const options = [
    { name: "bootfile-name", value: 'pxelinux"; drop', ipVersion: 4 },
    { name: "42", value: "10.0.0.3", ipVersion: 4 },
    { name: "server-ip-address", value: "10.0.0.4", ipVersion: 4 },
    { name: "no-such-option", value: "1", ipVersion: 4 },
    { name: "23", value: "fd00::53", ipVersion: 6 },
  ] as const;
  assert.deepEqual(ovnDhcpOptions(options, 4), {
    bootfile_name: '"pxelinux; drop"',
    ntp_server: "10.0.0.3",
    next_server: "10.0.0.4",
  });
  assert.deepEqual(ovnDhcpOptions(options, 6), { dns_server: "fd00::53" });
});

test("DHCP is switched off for the family that is named", () => {
  const options = [{ name: "dhcp_disabled", value: "True", ipVersion: 6 }] as const;
  assert.deepEqual([dhcpDisabled(options, 4), dhcpDisabled(options, 6)], [false, true]);
});
