/** Attachments, transfers, uploads, types with QoS: what several projects and services have to do with one volume. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { newHexId, newUuid } from "@andromede/base/ids";
import { systemOrigin } from "@andromede/platform/events/append";

import { transact } from "../../../db/transaction.ts";
import { imageReconcilers } from "../../image/reconcilers.ts";
import { imageService } from "../../image/service.ts";
import { abandonAttach, attachVolume, beginDetach, disksOfServers, finishDetach, markAttached } from "../public.ts";
import { type VolumeLab, createVolumeLab } from "../testing/volume-lab.ts";

const origin = systemOrigin("test");

describe("volumes between projects and servers", () => {
  let lab: VolumeLab;
  before(async () => {
    lab = await createVolumeLab({ services: [imageService], reconcilers: imageReconcilers });
  });
  after(() => lab.close());

  test("a transfer: another owner, another quota, the same key under the new project's", async () => {
    const id = await lab.volume();
    const key = lab.agent.specs.get(id)?.key;
    const offer = await lab.call("POST", "/volume-transfers", { transfer: { volume_id: id, name: "take" } });
    assert.equal(offer.status, 202, offer.text);
    const { id: transferId, auth_key: secret } = offer.body.transfer;
    assert.equal(await lab.status(`volumes/${id}`), "awaiting-transfer");
    assert.equal((await lab.call("DELETE", `/volumes/${id}`)).status, 400);
    const takerProject = newHexId();
    const taker = { token: lab.tokenFor({ projectId: takerProject, roles: ["member"] }) };
    const accept = `/volume-transfers/${transferId}/accept`;
    assert.equal((await lab.call("POST", accept, { accept: { auth_key: "wrong" } }, taker)).status, 400);
    assert.equal((await lab.call("POST", accept, { accept: { auth_key: secret } }, taker)).status, 202);
    assert.equal((await lab.call("POST", accept, { accept: { auth_key: secret } }, taker)).status, 404);
    assert.equal((await lab.call("GET", `/volumes/${id}`)).status, 404);
    assert.equal((await lab.call("GET", `/volumes/${id}`, undefined, taker)).body.volume.status, "available");
    const used = async (token: string, project: string) =>
      (await lab.call("GET", `/os-quota-sets/${project}?usage=true`, undefined, { token })).body.quota_set.volumes
        .in_use;
    assert.equal(await used(taker.token, takerProject), 1);
    assert.equal(await used(lab.token, lab.projectId), 0);
    // the old owner's key opens nothing any more, the new one's does
    await lab.app.keys.destroyProjectKey(lab.app.db, lab.projectId);
    assert.equal(
      (await lab.call("POST", `/volumes/${id}/action`, { "os-extend": { new_size: 2 } }, taker)).status,
      202,
    );
    await lab.until(`volumes/${id}`, "available");
    assert.equal(lab.agent.specs.get(id)?.key, key);
  });
});

describe("volumes and servers", () => {
  let lab: VolumeLab;
  before(async () => {
    lab = await createVolumeLab({ services: [imageService], reconcilers: imageReconcilers });
  });
  after(() => lab.close());

  const inTransaction = <T>(work: Parameters<typeof transact<T>>[2]): Promise<T> => transact(lab.app, origin, work);

  test("attached, used, detached: compute's side of it", async () => {
    const id = await lab.volume();
    const serverId = newUuid();
    const wanted = {
      volumeId: id,
      projectId: lab.projectId,
      serverId,
      serverName: "web",
      host: "host1",
      device: "/dev/vdb",
      mode: "rw" as const,
    };
    const { attachmentId } = await inTransaction((tx) => attachVolume(tx, wanted));
    assert.equal(await lab.status(`volumes/${id}`), "attaching");
    await assert.rejects(
      inTransaction((tx) => attachVolume(tx, { ...wanted, serverId: newUuid() })),
      /status must be available/,
    );
    await inTransaction((tx) => markAttached(tx, attachmentId, { host: "host1", device: "/dev/vdb" }));
    const shown = (await lab.call("GET", `/volumes/${id}`)).body.volume;
    assert.equal(shown.status, "in-use");
    assert.deepEqual(
      shown.attachments.map((one: { server_id: string; device: string }) => [one.server_id, one.device]),
      [[serverId, "/dev/vdb"]],
    );
    const disks = await disksOfServers(lab.app, lab.app.db, [serverId]);
    assert.equal(disks.get(serverId)?.[0]?.key, lab.agent.specs.get(id)?.key);
    assert.equal((await lab.call("DELETE", `/volumes/${id}`)).status, 400);
    assert.equal(
      (await lab.call("POST", `/volumes/${id}/action`, { "os-extend": { new_size: 2 } }, { version: "3.41" })).status,
      400,
    );
    await inTransaction((tx) => beginDetach(tx, attachmentId));
    assert.equal(await lab.status(`volumes/${id}`), "detaching");
    await inTransaction((tx) => abandonAttach(tx, attachmentId));
    assert.equal(await lab.status(`volumes/${id}`), "in-use");
    await inTransaction((tx) => finishDetach(tx, attachmentId));
    await inTransaction((tx) => finishDetach(tx, attachmentId));
    assert.equal(await lab.status(`volumes/${id}`), "available");
  });

  test("the attachments API: reserved, connected, complete, deleted", async () => {
    const id = await lab.volume();
    const made = await lab.call("POST", "/attachments", { attachment: { volume_uuid: id, instance_uuid: newUuid() } });
    assert.equal(made.status, 200, made.text);
    const attachment = made.body.attachment;
    assert.equal(attachment.status, "reserved");
    assert.equal(await lab.status(`volumes/${id}`), "reserved");
    const put = await lab.call("PUT", `/attachments/${attachment.id}`, {
      attachment: { connector: { host: "elsewhere", mountpoint: "/dev/vdc" } },
    });
    assert.equal(put.body.attachment.connection_info.driver_volume_type, "andromede");
    assert.equal((await lab.call("POST", `/attachments/${attachment.id}/action`, { "os-complete": {} })).status, 204);
    assert.equal(await lab.status(`volumes/${id}`), "in-use");
    assert.equal((await lab.call("DELETE", `/attachments/${attachment.id}`)).status, 200);
    assert.equal(await lab.status(`volumes/${id}`), "available");
  });

  test("QoS specs of a type limit its disks; a type in use stays", async () => {
    const admin = { token: lab.adminToken };
    const type = (
      await lab.call(
        "POST",
        "/types",
        { volume_type: { name: "slow", extra_specs: { multiattach: "<is> True" } } },
        admin,
      )
    ).body.volume_type;
    const qos = (
      await lab.call(
        "POST",
        "/qos-specs",
        { qos_specs: { name: "q", consumer: "front-end", total_iops_sec_per_gb: 50, read_bytes_sec: 1000 } },
        admin,
      )
    ).body.qos_specs;
    assert.equal(
      (await lab.call("GET", `/qos-specs/${qos.id}/associate?vol_type_id=${type.id}`, undefined, admin)).status,
      202,
    );
    const id = await lab.volume({ volume_type: "slow", size: 2 });
    assert.equal((await lab.call("GET", `/volumes/${id}`)).body.volume.multiattach, true);
    const serverIds = [newUuid(), newUuid()];
    for (const serverId of serverIds) {
      const { attachmentId } = await inTransaction((tx) =>
        attachVolume(tx, {
          volumeId: id,
          projectId: lab.projectId,
          serverId,
          serverName: "s",
          host: "host1",
          device: null,
          mode: "rw",
        }),
      );
      await inTransaction((tx) => markAttached(tx, attachmentId, { host: "host1", device: "/dev/vdb" }));
    }
    const disks = await disksOfServers(lab.app, lab.app.db, serverIds);
    for (const serverId of serverIds) {
      assert.deepEqual(disks.get(serverId)?.[0]?.limits, { totalIops: 100, readBytesSec: 1000 });
      assert.equal(disks.get(serverId)?.[0]?.shared, true);
    }
    assert.equal((await lab.call("DELETE", `/types/${type.id}`, undefined, admin)).status, 400);
    assert.equal((await lab.call("DELETE", `/qos-specs/${qos.id}`, undefined, admin)).status, 400);
  });

  test("uploaded: the image holds the volume's bytes, the volume is free again, the agent keeps nothing", async () => {
    const id = await lab.volume();
    const answer = await lab.call("POST", `/volumes/${id}/action`, {
      "os-volume_upload_image": { image_name: "copy" },
    });
    assert.equal(answer.status, 202, answer.text);
    const { image_id: imageId } = answer.body["os-volume_upload_image"];
    await lab.until(`volumes/${id}`, "available");
    const image = await lab.inject({ method: "GET", url: `/image/v2/images/${imageId}`, token: lab.token });
    const body = image.body as { status: string; name: string; size: number; disk_format: string };
    assert.deepEqual(
      [body.status, body.name, body.size, body.disk_format],
      ["active", "copy", lab.agent.exportBytes.length, "raw"],
    );
    assert.ok(lab.agent.calls.some((call) => call.startsWith("delete export")));
    lab.agent.failWith = "It cannot be read.";
    const failing = await lab.call("POST", `/volumes/${id}/action`, { "os-volume_upload_image": { image_name: "no" } });
    assert.equal(failing.status, 202);
    await lab.until(`volumes/${id}`, "available");
    lab.agent.failWith = null;
    const messages = await lab.call("GET", `/messages?resource_uuid=${id}`);
    assert.match(messages.body.messages[0].user_message, /cannot be read/);
  });

  test("a type that asks for what no pool has: the volume is in error and says so", async () => {
    const admin = { token: lab.adminToken };
    await lab.call("POST", "/types", { volume_type: { name: "odd", extra_specs: { vendor_name: "somebody" } } }, admin);
    const id = await lab.volume({ volume_type: "odd" }, { wait: false });
    await lab.until(`volumes/${id}`, "error");
    const { messages } = (await lab.call("GET", `/messages?resource_uuid=${id}`)).body;
    assert.match(messages[0].user_message, /No storage could be allocated/);
    assert.equal((await lab.call("DELETE", `/volumes/${id}`)).status, 202);
    await lab.until(`volumes/${id}`, "404");
  });
});
