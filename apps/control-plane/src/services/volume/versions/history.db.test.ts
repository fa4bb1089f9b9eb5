/**
 * Every microversion from 3.1 to 3.70, with a sample of what it changed (Cinder's "REST API Version History"): what holds from
 * there on, and did not just before. A version without a sample has a reason.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { newUuid } from "@andromede/base/ids";

import { type VolumeLab, type Wire, createVolumeLab, seedImage } from "../testing/volume-lab.ts";
import { MICROVERSIONS } from "./microversions.ts";

let lab: VolumeLab;
/** Ids of what the samples ask about. */
const ids: { [what: string]: string } = {};

type Ask = { body?: unknown; admin?: boolean };
const ask = (method: string, path: string, version: number, { body, admin = false }: Ask = {}) =>
  lab.call(method, path, body, { version: `3.${version}`, token: admin ? lab.adminToken : lab.token });

/** Does what is said hold at a version? */
type Holds = (version: number) => Promise<boolean>;
const path = (template: string): string => template.replaceAll(/\{(\w+)\}/g, (_all, what: string) => ids[what] ?? what);

/** Answers as `status` says. */
const answers =
  (method: string, template: string, status: number, options: Ask = {}): Holds =>
  async (version) =>
    (await ask(method, path(template), version, options)).status === status;
const serves = (template: string, admin = false): Holds => answers("GET", template, 200, { admin });
/** What is in the body passes, whatever then comes of it. */
const takes =
  (method: string, template: string, body: () => unknown): Holds =>
  async (version) =>
    (await ask(method, path(template), version, { body: body() })).status < 300;
/** The answer's only member, or the first of its list, has the member. */
const shows =
  (template: string, member: string, admin = false): Holds =>
  async (version) => {
    const { body } = await ask("GET", path(template), version, { admin });
    const [value] = Object.values(body as { [name: string]: unknown });
    return Object.hasOwn((Array.isArray(value) ? value[0] : value) as object, member);
  };
/** How many a list has. */
const lists =
  (template: string, count: number, admin = false): Holds =>
  async (version) => {
    const answer = await ask("GET", path(template), version, { admin });
    if (answer.status !== 200) return false;
    const [value] = Object.values(answer.body as { [name: string]: unknown[] });
    return value?.length === count;
  };
const CLUSTERS = "there are no clusters (tools/generate/absent.ts)";
const EARLIER = "taken by older versions too: nobody is served worse";

const HISTORY: { readonly [version: number]: Holds | string } = {
  1: takes("POST", "/volumes/{upload}/action", () => ({
    "os-volume_upload_image": { image_name: "i", disk_format: "raw", container_format: "bare", visibility: "private" },
  })),
  2: answers("GET", "/volumes?bootable=nonsense", 400),
  3: serves("/messages"),
  4: lists("/volumes?glance_metadata={'none': 'none'}", 0),
  // 3.3 and 3.4 do not look at what is said of pages
  5: async (version) =>
    (await lists("/messages?limit=1", 1)(version)) && answers("GET", "/messages?limit=-1", 400)(version),
  6: "consistency groups are not served: groups took their place in 3.13",
  7: shows("/os-services", "cluster", true),
  8: answers("GET", "/manageable_volumes", 400, { admin: true }),
  9: takes("PUT", "/backups/{backup}", () => ({ backup: { name: "renamed" } })),
  10: lists("/volumes?group_id={group}", 1),
  11: serves("/group_types"),
  12: serves("/volumes/summary"),
  13: shows("/volumes/{volume}", "group_id"),
  14: shows("/groups/{group}", "source_group_id"),
  15: async (version) => (await ask("GET", path("/volumes/{volume}/metadata"), version)).headers["etag"] !== undefined,
  16: CLUSTERS,
  17: CLUSTERS,
  18: shows("/backups/{backup}", "os-backup-project-attr:project_id", true),
  19: answers("POST", "/group_snapshots/{groupSnapshot}/action", 202, {
    admin: true,
    body: { reset_status: { status: "available" } },
  }),
  20: answers("POST", "/groups/{group}/action", 202, { admin: true, body: { reset_status: { status: "available" } } }),
  21: shows("/volumes/{volume}", "provider_id", true),
  22: lists("/snapshots?metadata={'none': 'none'}", 0),
  // only an operator may; what comes before passes it over, and deletes nothing that has a group
  23: answers("DELETE", "/volumes/{volume}?force=true", 403),
  24: "there are no workers to clean up after: any control plane takes up what another left (tools/generate/absent.ts)",
  25: shows("/groups/{group}?list_volume=true", "volumes"),
  26: CLUSTERS,
  27: serves("/attachments"),
  28: lists("/scheduler-stats/get_pools?name=none", 0, true),
  29: lists("/group_snapshots?limit=1", 1),
  30: EARLIER,
  31: answers("GET", "/volumes?user_id=none", 400),
  32: "levels of a program's log are in its configuration",
  33: serves("/resource_filters"),
  34: lists("/volumes?name~=grouped", 1),
  35: lists("/scheduler-stats/get_pools?volume-type=none", 0, true),
  36: shows("/volumes/summary", "metadata"),
  37: EARLIER,
  38: shows("/groups/{group}", "replication_status"),
  39: async (version) =>
    (await ask("GET", path("/limits?project_id={stranger}"), version, { admin: true })).body.limits?.absolute
      ?.maxTotalVolumes === 77,
  40: takes("POST", "/volumes/{reverted}/action", () => ({ revert: { snapshot_id: ids["revertTo"] } })),
  41: shows("/snapshots/{snapshot}", "user_id"),
  42: async (version) =>
    (await ask("POST", path("/volumes/{attached}/action"), version, { body: { "os-extend": { new_size: 5 } } }))
      .status === 202,
  43: shows("/backups/{backup}", "metadata"),
  44: answers("POST", "/attachments/{attachment}/action", 204, { body: { "os-complete": null } }),
  45: async (version) => Object.hasOwn((await ask("GET", "/volumes?with_count=true", version)).body as object, "count"),
  46: async (version) => {
    const body = { volume: { size: 1, imageRef: ids["serverImage"] } };
    const made = await ask("POST", "/volumes", version, { body });
    return made.status === 202 && made.body.volume.snapshot_id === ids["snapshot"];
  },
  47: answers("POST", "/volumes", 404, { body: { volume: { size: 1, backup_id: newUuid() } } }),
  48: shows("/volumes/{volume}", "shared_targets"),
  49: shows("/os-services?binary=cinder-volume", "backend_state", true),
  50: "whoever served it could attach a volume several times; here every version can",
  51: async (version) => {
    const body = { backup: { volume_id: newUuid(), availability_zone: "nova" } };
    return (await ask("POST", "/backups", version, { body })).status === 404;
  },
  52: lists("/types?extra_specs={'multiattach': 'none'}", 0),
  53: answers("POST", "/volumes", 400, { body: { volume: { size: 1, unheard_of: "1" } } }),
  54: answers("POST", "/attachments", 404, { body: { attachment: { volume_uuid: newUuid(), mode: "ro" } } }),
  55: serves("/volume-transfers"),
  56: shows("/backups/{backup}", "user_id", true),
  57: shows("/os-volume-transfer/{transfer}", "source_project_id"),
  58: shows("/groups/{group}", "project_id", true),
  59: lists("/os-volume-transfer?limit=1", 1),
  60: lists("/volumes?created_at=lt:2001-01-01T00:00:00", 0),
  61: shows("/volumes/{volume}", "cluster_name", true),
  62: serves("/default-types", true),
  63: shows("/volumes/{volume}", "volume_type_id"),
  64: shows("/volumes/{volume}", "encryption_key_id"),
  65: shows("/snapshots/{snapshot}", "consumes_quota"),
  66: answers("POST", "/snapshots", 400, { body: { snapshot: { volume_id: newUuid(), force: false } } }),
  67: "the project may be left out of the path, or be there, at every version",
  68: answers("POST", "/volumes/{none}/action", 404, { body: { "os-reimage": { image_id: newUuid() } } }),
  69: "nobody here needs the lock that it is about: `shared_targets` is false at every version",
  70: "every volume is encrypted, and may be given away at every version",
};

const made = async (url: string, body: object, admin = false): Promise<Wire> => {
  const answer = await ask("POST", url, MICROVERSIONS.max, { body, admin });
  assert.ok(answer.status < 300, `${url}: ${answer.text}`);
  return Object.values(answer.body as object)[0] as Wire;
};

before(async () => {
  lab = await createVolumeLab();
  await lab.app
    .db`insert into volume_project (project_id, quota) values (${lab.projectId}, '{"volumes": 100, "snapshots": 100}')`;
  ids["stranger"] = newUuid();
  await lab.app.db`insert into volume_project (project_id, quota) values (${ids["stranger"]}, '{"volumes": 77}')`;
  const groupType = await made("/group_types", { group_type: { name: "kind" } }, true);
  const group = { group_type: groupType.id, volume_types: ["standard"] };
  ids["group"] = (await made("/groups", { group })).id;
  ids["volume"] = await lab.volume({ name: "it is grouped", group_id: ids["group"], volume_type: "standard" });
  for (let n = 0; n < 2; n++) {
    const snapshot = await made("/group_snapshots", { group_snapshot: { group_id: ids["group"] } });
    ids["groupSnapshot"] = snapshot.id;
    await lab.until(`group_snapshots/${snapshot.id}`, "available");
    await made("/os-volume-transfer", { transfer: { volume_id: await lab.volume() } });
    await lab.app.db`
      insert into volume_message (id, project_id, resource_type, resource_id, event_id, text, created_at, expires_at)
      values (${newUuid()}, ${lab.projectId}, 'VOLUME', 'none', 'none', 'a sample', now(), now() + interval '1 day')`;
  }
  ids["transfer"] = (await made("/os-volume-transfer", { transfer: { volume_id: await lab.volume() } })).id;
  const source = await lab.volume();
  ids["snapshot"] = await lab.snapshot(source, { metadata: { a: "b" } });
  ids["backup"] = (await made("/backups", { backup: { volume_id: source } })).id;
  await lab.until(`backups/${ids["backup"]}`, "available");
  ids["reverted"] = await lab.volume();
  ids["revertTo"] = await lab.snapshot(ids["reverted"]);
  ids["upload"] = await lab.volume();
  ids["attached"] = await lab.volume();
  await lab.app.db`update volume set status = 'in-use' where id = ${ids["attached"]}`;
  const attachment = { volume_uuid: await lab.volume(), instance_uuid: newUuid(), connector: { host: "host1" } };
  ids["attachment"] = (await made("/attachments", { attachment })).id;
  ids["serverImage"] = await seedImage(lab);
  const mapping = [{ source_type: "snapshot", boot_index: 0, snapshot_id: ids["snapshot"] }];
  const properties = { block_device_mapping: JSON.stringify(mapping) };
  await lab.app.db`update image set properties = ${lab.app.db.json(properties)} where id = ${ids["serverImage"]}`;
});
after(() => lab.close());

test("every microversion has a sample, or a reason to have none", () => {
  const versions = Object.keys(HISTORY).map(Number);
  assert.deepEqual(
    versions,
    Array.from({ length: MICROVERSIONS.max }, (_, index) => index + 1),
  );
});

for (const [version, sample] of Object.entries(HISTORY)) {
  if (typeof sample === "string") continue;
  test(`3.${version}`, async () => {
    assert.equal(await sample(Number(version) - 1), false, `held before 3.${version}`);
    assert.equal(await sample(Number(version)), true, `does not hold at 3.${version}`);
  });
}

test("metadata is changed only as it was seen (3.15)", async () => {
  const url = path("/volumes/{volume}/metadata");
  const { etag } = (await lab.call("GET", url)).headers;
  const put = (tag: string, metadata: object, version = "3.70") =>
    lab.inject({
      method: "PUT",
      url: `/volume/v3${url}`,
      token: lab.token,
      body: { metadata },
      headers: { "openstack-api-version": `volume ${version}`, "if-match": tag },
    });
  assert.equal((await put(`"${String(etag)}"`, { a: "1" })).status, 200);
  assert.equal((await put(`"${String(etag)}"`, { a: "2" })).status, 412);
  assert.deepEqual((await lab.call("GET", url)).body.metadata, { a: "1" });
  assert.equal((await put("*", { a: "3" })).status, 200);
  assert.equal((await put("other", { a: "4" }, "3.14")).status, 200);
});
