/** Tests of a list, as tests of ours: each of tempest's is one, and the cloud is afterwards as it was. */
import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import type { Cloud as Api } from "@andromede/openstack-client/client";
import { listFlavors } from "@andromede/openstack-client/compute";
import { listNetworks } from "@andromede/openstack-client/network";

import { connectApi } from "../support/api.ts";
import { type Cloud, useCloud } from "../support/cloud.ts";
import { type Furniture, furnish, unfurnish } from "./accounts.ts";
import { accountsFile, configuration } from "./configuration.ts";
import { ensureDebian } from "../support/debian.ts";
import {
  type Inventory,
  UNTIL_PURGE,
  takeInventory,
  untilAsBefore,
  untilGroupsAreThere,
} from "../support/inventory.ts";
import { type Outcome, readList, runTempest } from "./tempest.ts";

/** Two classes run at a time, and a class has two accounts at most, of which one may be a reseller's. */
const ACCOUNTS = { member: 4, ResellerAdmin: 2 };
/** The lockout is waited for: what operators choose is minutes. */
const LOCKOUT = { failures: 2, seconds: 5, history: 2 };

export async function describeList(title: string, list: string): Promise<void> {
  const wanted = await readList(list);
  describe(title, () => {
    let cloud: Cloud;
    let operator: Api;
    let directory: string;
    let there: Inventory;
    let furniture: Furniture | undefined;
    let outcomes = new Map<string, Outcome>();

    before(async () => {
      const root = await ensureDebian();
      directory = await mkdtemp(join(tmpdir(), "andromede-tempest-"));
      cloud = await useCloud();
      await setLockout(cloud, directory, {
        identity: {
          lockoutFailures: LOCKOUT.failures,
          lockoutSeconds: LOCKOUT.seconds,
          passwordHistory: LOCKOUT.history,
        },
      });
      operator = connectApi(cloud, "andromede-operator");
      // the first look makes the default group of the operators' own project, which then stays
      await operator.call("network", "GET", "/v2.0/security-groups");
      await untilGroupsAreThere(cloud);
      there = await takeInventory(cloud);
      const [external] = await listNetworks(operator, { "router:external": true });
      assert.ok(external);
      furniture = await furnish(cloud, operator, ACCOUNTS, external.id);
      const caFile = join(directory, "ca.crt");
      await copyFile(join(cloud.directory, "tls/ca.crt"), caFile);
      await writeFile(join(directory, "accounts.yaml"), accountsFile(furniture.accounts), { mode: 0o600 });
      await writeFile(
        join(directory, "tempest.conf"),
        configuration({ caFile, furniture, external, directory, lockout: LOCKOUT, ...(await ask(cloud)) }),
      );
      outcomes = await runTempest(root, directory, wanted);
    });

    for (const test of wanted) {
      it(test.split("[")[0] ?? test, (context) => {
        const outcome = outcomes.get(test);
        assert.ok(outcome);
        if (!outcome.passed) context.diagnostic(`tempest's logs are in ${directory}`);
        assert.ok(outcome.passed, outcome.why);
      });
    }

    after(async () => {
      if (furniture === undefined) return; // it never came to that, and the reason is known
      await unfurnish(operator, furniture);
      operator.close();
      const left = await untilAsBefore(cloud, there, UNTIL_PURGE);
      for (const { projectId } of furniture.accounts) {
        // one after the other: the rest has to be nothing anyhow
        // eslint-disable-next-line no-await-in-loop
        await cloud.andromede("project", "purge", projectId, "--yes");
      }
      const leftByPurge = await untilAsBefore(cloud, there);
      await setLockout(cloud, directory, {});
      if ([...outcomes.values()].filter(({ passed }) => passed).length === wanted.length)
        await rm(directory, { recursive: true });
      assert.deepEqual({ left, leftByPurge }, { left: [], leftByPurge: [] }, "the cloud is not as it was");
    });
  });
}

async function setLockout(cloud: Cloud, directory: string, settings: object): Promise<void> {
  const file = join(directory, "settings.json");
  await writeFile(file, JSON.stringify(settings));
  await cloud.andromede("up", "--settings", file);
}

/** What the cloud says of itself to a customer. */
async function ask(cloud: Cloud): Promise<{
  authUrl: string;
  region: string;
  flavorIds: [string, string];
  networkExtensions: string[];
  volumes: boolean;
  objects: boolean;
}> {
  const api = connectApi(cloud);
  try {
    const { endpoints } = await api.session();
    const { extensions } = await api.call<{ extensions: { alias: string }[] }>("network", "GET", "/v2.0/extensions");
    const [small, larger] = (await listFlavors(api)).toSorted((a, b) => a.ram - b.ram || a.disk - b.disk);
    assert.ok(small && larger && endpoints["identity"]);
    return {
      authUrl: endpoints["identity"],
      region: "RegionOne",
      flavorIds: [small.id, larger.id],
      networkExtensions: extensions.map(({ alias }) => alias),
      volumes: "volumev3" in endpoints,
      objects: "object-store" in endpoints,
    };
  } finally {
    api.close();
  }
}
