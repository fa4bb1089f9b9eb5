import assert from "node:assert/strict";
import { test } from "node:test";

import { type RouterLeg, checkInterfaceUnused, checkLegOverlap, checkNexthops } from "./router.model.ts";
import { chooseChassis } from "./router.plan.ts";

const leg: RouterLeg = {
  portId: "p",
  deviceOwner: "network:router_interface",
  networkId: "n",
  subnetId: "s",
  cidr: "10.0.0.0/24",
  address: "10.0.0.1",
};

test("legs do not overlap", () => {
  assert.throws(() => checkLegOverlap("r", [leg], { id: "s", cidr: "10.0.0.0/24" }), /already has a port on subnet/);
  assert.throws(() => checkLegOverlap("r", [leg], { id: "t", cidr: "10.0.0.128/25" }), {
    kind: "invalid",
    message: /overlaps with cidr/,
  });
  assert.doesNotThrow(() => checkLegOverlap("r", [leg], { id: "t", cidr: "10.0.1.0/24" }));
});

test("next hops are neighbours", () => {
  assert.doesNotThrow(() => checkNexthops([{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }], [leg]));
  assert.throws(
    () => checkNexthops([{ destination: "10.9.0.0/16", nexthop: "10.0.9.9" }], [leg]),
    /not connected with router/,
  );
  assert.throws(() => checkNexthops([{ destination: "10.9.0.0/16", nexthop: "10.0.0.1" }], [leg]), /used by router/);
});

test("an interface that a route needs stays", () => {
  const routes = [{ destination: "10.9.0.0/16", nexthop: "10.0.0.9" }];
  assert.throws(() => checkInterfaceUnused("r", routes, { id: "s", cidr: "10.0.0.0/24" }), {
    kind: "conflict",
    type: "RouterInterfaceInUseByRoute",
  });
  assert.doesNotThrow(() => checkInterfaceUnused("r", routes, { id: "t", cidr: "10.0.1.0/24" }));
});

test("gateway hosts: every host, the same order for the same router, not all on one", () => {
  const hosts = ["host3", "host1", "host2"];
  assert.deepEqual(chooseChassis("00000000-a", hosts), ["host1", "host2", "host3"]);
  assert.deepEqual(chooseChassis("00000001-a", hosts.toReversed()), ["host2", "host3", "host1"]);
  assert.deepEqual(chooseChassis("any", []), []);
});
