import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { waitUntil } from "@andromede/base/waiting";

import { type ComputeLab, createComputeLab, seedImage } from "../testing/compute-lab.ts";

describe("the life of a server", () => {
  let lab: ComputeLab;
  before(async () => {
    lab = await createComputeLab();
  });
  after(() => lab.close());

  const until = (id: string, status: string) =>
    waitUntil(`${status} of ${id}`, async () => (await lab.status(id)) === status, { timeoutMs: 30_000, everyMs: 5 });
  const act = (id: string, action: object) => lab.call("POST", `/servers/${id}/action`, action);

  test("create: 202, both request ids, then ACTIVE, with one create action that has ended well", async () => {
    const answer = await lab.call("POST", "/servers", {
      server: {
        name: " web <é> ",
        flavorRef: "tiny",
        imageRef: lab.imageId,
        networks: "none",
        metadata: { a: "b" },
        tags: ["x", "y"],
      },
    });
    assert.equal(answer.status, 202);
    const { id, adminPass } = answer.body.server;
    assert.equal(adminPass.length, 12);
    assert.equal(answer.headers["location"], `https://customer.test/compute/v2.1/servers/${id}`);
    assert.equal(answer.headers["x-compute-request-id"], answer.headers["x-openstack-request-id"]);
    await until(id, "ACTIVE");
    const { body } = await lab.call("GET", `/servers/${id}`);
    assert.equal(body.server.name, " web <é> ");
    assert.equal(body.server["OS-EXT-STS:task_state"], null);
    assert.equal(body.server["OS-EXT-STS:power_state"], 1);
    assert.deepEqual(body.server.tags, ["x", "y"]);
    assert.deepEqual(body.server.flavor.original_name, "tiny");
    const actions = await lab.call("GET", `/servers/${id}/os-instance-actions`);
    assert.deepEqual(
      actions.body.instanceActions.map((one: { action: string }) => one.action),
      ["create"],
    );
    const requestId = String(answer.headers["x-compute-request-id"]);
    const action = async () =>
      (await lab.call("GET", `/servers/${id}/os-instance-actions/${requestId}`)).body.instanceAction;
    await waitUntil("the action's end", async () => (await action()).events[0].finish_time !== null, {
      timeoutMs: 30_000,
      everyMs: 5,
    });
    assert.equal((await action()).events[0].result, "Success");
    const [event] = await lab.app
      .db`select action from event where target_id = ${id} and action = 'compute.server.create'`;
    assert.ok(event);
  });

  test("stop, start, pause, unpause, suspend, resume, reboot: each ends where it should", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    const steps: [object, string][] = [
      [{ "os-stop": null }, "SHUTOFF"],
      [{ "os-start": null }, "ACTIVE"],
      [{ pause: {} }, "PAUSED"],
      [{ unpause: "" }, "ACTIVE"],
      [{ suspend: null }, "SUSPENDED"],
      [{ resume: null }, "ACTIVE"],
      [{ reboot: { type: "SOFT" } }, "ACTIVE"],
      [{ reboot: { type: "HARD" } }, "ACTIVE"],
    ];
    for (const [action, status] of steps) {
      assert.equal((await act(id, action)).status, 202, JSON.stringify(action));
      await waitUntil(
        `${JSON.stringify(action)} done`,
        async () => {
          const { body } = await lab.call("GET", `/servers/${id}`);
          return body.server.status === status && body.server["OS-EXT-STS:task_state"] === null;
        },
        { timeoutMs: 30_000, everyMs: 5 },
      );
    }
    assert.deepEqual(
      lab.agent.calls.filter((call) => call.startsWith(`reboot ${id}`)),
      [`reboot ${id} soft`, `reboot ${id} hard`],
    );
    const { body } = await lab.call("GET", `/servers/${id}/os-instance-actions`);
    assert.deepEqual(
      body.instanceActions.map((one: { action: string }) => one.action),
      ["reboot", "reboot", "resume", "suspend", "unpause", "pause", "start", "stop", "create"],
    );
  });

  test("while a task is under way the status says so, and a second one is refused", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    lab.agent.held = true;
    assert.equal((await act(id, { reboot: { type: "HARD" } })).status, 202);
    await until(id, "HARD_REBOOT");
    const refused = await act(id, { "os-stop": null });
    assert.equal(refused.status, 409);
    assert.match(refused.body.conflictingRequest.message, /task_state rebooting_hard/);
    await waitUntil("the reboot to be with the host", () => lab.agent.calls.includes(`reboot ${id} hard`), {
      timeoutMs: 30_000,
    });
    await lab.agent.release();
    await until(id, "ACTIVE");
  });

  test("a guest that powers itself off is SHUTOFF, stays it, and can be started", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    await lab.agent.becomes(id, { state: "stopped", converged: false, spontaneous: true });
    await until(id, "SHUTOFF");
    assert.equal((await lab.call("PUT", `/servers/${id}/metadata`, { metadata: { k: "v" } })).status, 200);
    await lab.drain();
    assert.equal(await lab.status(id), "SHUTOFF");
    assert.equal((await act(id, { "os-start": null })).status, 202);
    await until(id, "ACTIVE");
  });

  test("delete: 204, then 404", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    await lab.drain();
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await until(id, "404");
    const [usage] = await lab.app
      .db`select used_servers, (select count(*)::int from server where project_id = ${lab.projectId}) as rows from compute_project where project_id = ${lab.projectId}`;
    assert.equal(usage?.["usedServers"], usage?.["rows"]);
    const actions = await lab.call("GET", `/servers/${id}/os-instance-actions`);
    assert.deepEqual(
      actions.body.instanceActions.map((one: { action: string }) => one.action),
      ["delete", "create"],
    );
    const old = await lab.call("GET", `/servers/${id}/os-instance-actions`, undefined, { version: "2.20" });
    assert.equal(old.status, 404);
  });

  test("delete does not wait for a host that is slow, and again is 204", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    lab.agent.held = true;
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    const { body } = await lab.call("GET", `/servers/${id}`);
    assert.equal(body.server["OS-EXT-STS:task_state"], "deleting");
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    assert.equal((await act(id, { "os-stop": null })).status, 409);
    lab.agent.held = false;
    await until(id, "404");
  });

  test("what the host cannot do is an ERROR with its reason, and a hard reboot tries again", async () => {
    lab.agent.failWith = "The image does not fit on the host.";
    const id = await lab.boot();
    await until(id, "ERROR");
    const { body } = await lab.call("GET", `/servers/${id}`);
    assert.equal(body.server.fault.message, "The image does not fit on the host.");
    await lab.drain();
    lab.agent.failWith = null;
    assert.equal((await act(id, { reboot: { type: "HARD" } })).status, 202);
    await until(id, "ACTIVE");
  });

  test("what the host refuses outright is an ERROR too", async () => {
    lab.agent.refuseWith = "too many disks";
    const id = await lab.boot();
    await until(id, "ERROR");
    lab.agent.refuseWith = null;
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await until(id, "404");
  });

  test("no host with room: ERROR, as Nova says it; nothing is left claimed", async () => {
    await lab.drain();
    const [before] = await lab.app.db`select claimed_servers from compute_host`;
    const id = await lab.boot(
      {},
      { top: { "os:scheduler_hints": { same_host: ["00000000-0000-4000-8000-000000000000"] } } },
    );
    await until(id, "ERROR");
    const { body } = await lab.call("GET", `/servers/${id}`);
    assert.equal(body.server.fault.message, "No valid host was found. There are not enough hosts available.");
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await until(id, "404");
    const [after] = await lab.app.db`select claimed_servers from compute_host`;
    assert.deepEqual(after, before);
  });

  test("the guest is told what it is, where it is, and whose key to trust", async () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHl2ahBqXvzLWyNbn0xeHfCeWlmbPTEqdLMGxOkcMbh5 me@here";
    assert.equal((await lab.call("POST", "/os-keypairs", { keypair: { name: "me", public_key: key } })).status, 201);
    const userData = Buffer.from("#!/bin/sh\necho é\n").toString("base64");
    const id = await lab.boot({
      key_name: "me",
      user_data: userData,
      config_drive: true,
      adminPass: "geheim",
      metadata: { role: "db" },
    });
    await until(id, "ACTIVE");
    const spec = lab.agent.specs.get(id);
    assert.equal(spec?.configDrive, true);
    assert.equal(spec?.memoryMib, 128);
    const files = spec?.metadata.files ?? {};
    const metaData = JSON.parse(files["openstack/latest/meta_data.json"] ?? "{}");
    assert.equal(metaData.uuid, id);
    assert.equal(metaData.hostname, "web");
    assert.equal(metaData.admin_pass, "geheim");
    assert.deepEqual(metaData.public_keys, { me: key });
    assert.deepEqual(metaData.meta, { role: "db" });
    assert.equal(Buffer.from(metaData.random_seed, "base64").length, 512);
    assert.equal(files["openstack/2018-08-27/user_data"], "#!/bin/sh\necho é\n");
    assert.equal(files["latest/meta-data/public-keys/0/openssh-key"], key);
    assert.equal(files["2009-04-04/meta-data/hostname"], "web");
    const [row] = await lab.app.db`select admin_password from server where id = ${id}`;
    assert.ok(row?.["adminPassword"] instanceof Buffer);
    assert.equal(row["adminPassword"].includes("geheim"), false);
    assert.equal((await lab.call("PUT", `/servers/${id}/metadata`, { metadata: { role: "web" } })).status, 200);
    await lab.drain();
    assert.deepEqual(
      JSON.parse(lab.agent.specs.get(id)?.metadata.files["openstack/latest/meta_data.json"] ?? "{}").meta,
      { role: "web" },
    );
  });

  test("a host that comes back without the guest: the server is in ERROR and says why; an orphan is removed", async () => {
    const id = await lab.boot();
    await until(id, "ACTIVE");
    await lab.drain();
    const spec = lab.agent.specs.get(id);
    assert.ok(spec);
    lab.agent.forgetGuest(id);
    await lab.app.db`update server set observed_at = now() - interval '1 minute' where id = ${id}`;
    const orphan = "99999999-9999-4999-8999-999999999999";
    lab.agent.adopt({ ...spec, id: orphan });
    await lab.agent.fullReport();
    assert.equal(await lab.status(id), "ERROR");
    assert.ok(lab.agent.calls.includes(`delete ${orphan}`));
    assert.equal((await lab.call("DELETE", `/servers/${id}`)).status, 204);
    await until(id, "404");
  });

  test("flavor and image must suit each other, and be there", async () => {
    const big = await seedImage(lab, { virtualSizeBytes: 2 ** 31 });
    const hungry = await seedImage(lab, { minRam: 4096 });
    const server = { name: "x", flavorRef: "tiny", imageRef: lab.imageId, networks: "none" };
    for (const [change, message] of [
      [{ imageRef: big }, /disk is too small/],
      [{ imageRef: hungry }, /memory is too small/],
      [{ imageRef: "00000000-0000-4000-8000-000000000000" }, /Can not find requested image/],
      [{ flavorRef: "none" }, /Flavor none could not be found/],
      [{ key_name: "none" }, /Invalid key_name/],
      [{ availability_zone: "mars" }, /availability zone is not available/],
      [{ min_count: 3, max_count: 2 }, /min_count/],
      [{ user_data: "*" }, /user_data/],
      [{ user_data: "abc" }, /base64/],
      [{ name: "" }, /name/],
      [{ name: 5 }, /name/],
      [{ name: "n".repeat(256) }, /name/],
      [{ networks: [{ uuid: "a-b-c-d-e-f-g-h-i-j" }] }, /uuid|networks/],
      [{ accessIPv6: "eighty-five" }, /accessIPv6/],
      [{ metadata: { a: "x".repeat(256) } }, /metadata/],
      [
        {
          imageRef: "",
          block_device_mapping_v2: [
            { source_type: "volume", destination_type: "volume", uuid: lab.imageId, boot_index: 0 },
          ],
        },
        /failed to get volume/,
      ],
      [{ unknown: 1 }, /unknown/],
    ] as const) {
      const answer = await lab.call("POST", "/servers", { server: { ...server, ...change } });
      assert.equal(answer.status, 400, JSON.stringify(change));
      assert.match(answer.body.badRequest.message, message);
    }
    const zoneAndHost = await lab.call("POST", "/servers", { server: { ...server, availability_zone: "nova:host1" } });
    assert.equal(zoneAndHost.status, 403);
  });

  test("several at once: numbered names, one reservation", async () => {
    const answer = await lab.call("POST", "/servers", {
      server: {
        name: "many",
        flavorRef: "tiny",
        imageRef: lab.imageId,
        networks: "none",
        min_count: 2,
        max_count: 2,
        return_reservation_id: true,
      },
    });
    assert.equal(answer.status, 202);
    const { reservation_id: reservation } = answer.body;
    const list = await lab.call("GET", `/servers?reservation_id=${reservation}&sort_key=display_name&sort_dir=asc`);
    assert.deepEqual(
      list.body.servers.map((one: { name: string }) => one.name),
      ["many-1", "many-2"],
    );
    for (const { id } of list.body.servers) await until(id, "ACTIVE");
    for (const { id } of list.body.servers) await lab.call("DELETE", `/servers/${id}`);
  });
});

describe("quotas", () => {
  let lab: ComputeLab;
  before(async () => {
    lab = await createComputeLab();
  });
  after(() => lab.close());

  test("racing creates never exceed the quota", async () => {
    const body = { server: { name: "race", flavorRef: "tiny", imageRef: lab.imageId, networks: "none" } };
    const answers = await Promise.all(Array.from({ length: 200 }, () => lab.call("POST", "/servers", body)));
    const codes = new Set(answers.map((answer) => answer.status));
    assert.equal(answers.filter((answer) => answer.status === 202).length, 10);
    assert.deepEqual(
      [...codes].toSorted((a, b) => a - b),
      [202, 403],
    );
    const refusal = answers.find((answer) => answer.status === 403);
    assert.match(refusal?.text ?? "", /Quota exceeded for instances: Requested 1, but already used 10 of 10 instances/);
    const limits = await lab.call("GET", "/limits");
    assert.equal(limits.body.limits.absolute.totalInstancesUsed, 10);
    const [row] = await lab.app.db`select count(*)::int as n from server where project_id = ${lab.projectId}`;
    assert.equal(row?.["n"], 10);
  });
});
