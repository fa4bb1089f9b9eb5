/**
 * Every microversion from 2.2 to 2.93, with a sample of what it changed (Nova's "REST API Version History"): what holds from
 * there on, and did not just before. A version without a row has a reason.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { parseQuery } from "../../../http/query.ts";
import type { JsonSchema, VersionedSchema } from "../../../http/service.ts";
import { schemaAt, validate } from "../../../http/validation.ts";
import { toActionEntry, toActionView } from "../actions/action.view.ts";
import { toAggregateView } from "../aggregates/aggregate.view.ts";
import { checkExtraSpec } from "../flavors/extra-specs.model.ts";
import { toFlavorView } from "../flavors/flavor.view.ts";
import { toHypervisorEntry, toHypervisorView, toServiceView } from "../hosts/host.view.ts";
import { attachSchema } from "../interfaces/interface.schema.ts";
import { toInterfaceView } from "../interfaces/interface.view.ts";
import { createKeypairSchema } from "../keypairs/keypair.schema.ts";
import { toKeypairView } from "../keypairs/keypair.view.ts";
import { toMigrationView } from "../migrations/migration.view.ts";
import { externalEventsSchema } from "../operator-doors/external-events.ts";
import { QUOTA_DEFAULTS } from "../quotas/quota.model.ts";
import { quotaSchema } from "../quotas/quota.schema.ts";
import { toLimitsView, toQuotaClassView } from "../quotas/quota.view.ts";
import { computeRoutes } from "../routes.ts";
import { createServerGroupSchema } from "../server-groups/server-group.schema.ts";
import { toServerGroupView } from "../server-groups/server-group.view.ts";
import { ACTIONS, type ActionName, type ActionRow } from "../servers/action.schema.ts";
import { readListQuery } from "../servers/list-query.ts";
import { createServerSchema, updateServerSchema } from "../servers/server.schema.ts";
import { toServerView } from "../servers/server.view.ts";
import { mayRescueVolume, rebuildsVolume } from "../servers/volume-backed.model.ts";
import { attachVolumeSchema, updateAttachmentSchema } from "../volumes/attachment.schema.ts";
import { toAttachmentView, toNewAttachmentView } from "../volumes/attachment.view.ts";
import { MICROVERSIONS } from "./microversions.ts";

const ID = "7f3c2b1e-0d5a-4f6b-9c8d-1a2b3c4d5e6f";
const AT = new Date("2026-01-02T03:04:05Z");

/** Does what is said hold at a version? */
type Holds = (version: number) => boolean;
type Wire = { [member: string]: unknown };

const succeeds = (work: () => unknown): boolean => {
  try {
    work();
    return true;
  } catch {
    return false;
  }
};
const takes =
  (schema: JsonSchema | VersionedSchema, body: object): Holds =>
  (version) =>
    succeeds(() => validate(schemaAt(schema, version), body));
const serves =
  (method: string, path: string): Holds =>
  (version) =>
    computeRoutes.some(
      (row) =>
        row.method === method &&
        row.path === `/v2.1${path}` &&
        (row.since ?? 0) <= version &&
        version <= (row.until ?? Infinity),
    );
const shows =
  (view: (version: number) => object, member: string): Holds =>
  (version) =>
    Object.hasOwn(view(version), member);
const acts =
  (name: ActionName, value?: unknown): Holds =>
  (version) => {
    const row: ActionRow = ACTIONS[name];
    if (version < (row.since ?? 0) || version > (row.until ?? Infinity)) return false;
    return value === undefined || succeeds(() => validate(schemaAt(row.schema, version), value));
  };
const not =
  (holds: Holds): Holds =>
  (version) =>
    !holds(version);
const lists =
  (query: string): Holds =>
  (version) =>
    succeeds(() => readListQuery(parseQuery(query), { projectId: "p", isAdmin: false, version }));

const server = {
  id: ID,
  name: "n",
  flavorId: "f",
  flavor: { name: "f", vcpus: 1, ramMib: 1, diskGib: 1, ephemeralGib: 0, swapMib: 0, extraSpecs: {} },
  imageId: ID,
  metadata: {},
  tags: [],
  createdAt: AT,
  updatedAt: AT,
  observedAt: AT,
  observedLaunchedAt: AT,
  observedState: "running",
  power: "running",
  taskVmState: null,
  task: null,
  mode: "ordinary",
  faultMessage: null,
  observedFault: null,
  rebootNonce: null,
  number: 1,
} as unknown as Parameters<typeof toServerView>[1];
const extras = {
  addresses: [],
  securityGroups: [],
  hypervisorHostname: "h",
  hostStatus: "UP",
  hostId: "",
  volumes: [{ id: ID, deleteOnTermination: false }],
  groupId: ID,
};
const serverAt =
  (kind: "show" | "update" | "rebuild" | "detail", isAdmin = true) =>
  (version: number): Wire =>
    toServerView({ baseUrl: "https://x", version, isAdmin }, server, extras as never, kind) as Wire;

const flavor = { id: "f", name: "f", swapMib: 0, extraSpecs: {} } as unknown as Parameters<typeof toFlavorView>[1];
const flavorAt = (version: number): Wire => toFlavorView({ baseUrl: "https://x", version }, flavor) as Wire;
const host = {
  name: "h",
  number: 1,
  hypervisorId: ID,
  serviceId: ID,
  observedVcpus: 1,
  observedAt: AT,
  observedLostAt: null,
};
const hypervisorAt = (version: number): Wire => toHypervisorView(host as never, { version }) as Wire;
const limits = { quota: QUOTA_DEFAULTS, servers: 0, cores: 0, ramMib: 0, keypairs: 0, serverGroups: 0 };
const limitsAt = (version: number): object => (toLimitsView(limits, null, version) as { absolute: object }).absolute;
const group = { id: ID, policy: "affinity", members: [], maxServerPerHost: null, projectId: "p", userId: "u" };
const groupAt = (version: number): object => toServerGroupView(group as never, version);
const action = { action: "create", startedAt: AT, updatedAt: AT, finishedAt: null, host: "h", details: "d" };
const actionAt =
  (isAdmin: boolean) =>
  (version: number): Wire =>
    toActionView(action as never, { version, isAdmin, hostIdOf: () => "x" }) as Wire;
const eventAt = (version: number): object => ((actionAt(true)(version)["events"] ?? [{}]) as object[])[0] ?? {};
const migration = { kind: "migration", uuid: ID, createdAt: AT, updatedAt: AT } as unknown as Parameters<
  typeof toMigrationView
>[0];
const disk = {
  id: ID,
  serverId: ID,
  volumeId: ID,
  attachmentId: ID,
  deviceName: "/dev/vdb",
  tag: null,
  deleteOnTermination: false,
};
const nic = {
  id: ID,
  networkId: ID,
  macAddress: "m",
  status: "ACTIVE",
  fixedIps: [],
  tag: null,
} as unknown as Parameters<typeof toInterfaceView>[0];

const boot = (more: object, networks: object = { networks: "none" }): object => ({
  server: { name: "n", flavorRef: "1", imageRef: ID, ...networks, ...more },
});
const plain = (more: object): object => boot(more, {});
const bootsWith = (more: object): Holds => takes(createServerSchema, boot(more));
const event = (name: string): object => ({ events: [{ server_uuid: ID, name, tag: "t" }] });
const attach = (more: object): object => ({ volumeAttachment: { volumeId: ID, ...more } });
const quota = (name: string): object => ({ quota_set: { [name]: 1 } });

/** `[version, what changed, what holds from there on and not before]`. */
const HISTORY: readonly (readonly [version: number, what: string, holds: Holds])[] = [
  [2, "key pairs have a type", takes(createKeypairSchema, { keypair: { name: "k", type: "x509" } })],
  [2, "and show it", shows((v) => toKeypairView({ createdAt: AT } as never, v), "type")],
  [3, "operators see a server's reservation", shows(serverAt("show"), "OS-EXT-SRV-ATTR:reservation_id")],
  [6, "one call for all consoles", serves("POST", "/servers/:server_id/remote-consoles")],
  [6, "and no others", not(acts("os-getVNCConsole"))],
  [9, "locked", shows(serverAt("update"), "locked")],
  [10, "keys for another user", takes(createKeypairSchema, { keypair: { name: "k", user_id: "u" } })],
  [11, "forced_down", shows((v) => toServiceView(host as never, { version: v }), "forced_down")],
  [11, "and a way to say it", serves("PUT", "/os-services/force-down")],
  [13, "server groups show whose they are", shows(groupAt, "project_id")],
  [14, "evacuate finds out about storage itself", not(acts("evacuate", { onSharedStorage: true, host: "h" }))],
  [15, "soft policies", takes(createServerGroupSchema, { server_group: { name: "g", policies: ["soft-affinity"] } })],
  [16, "host_status", shows(serverAt("show"), "host_status")],
  [17, "crash dumps", acts("trigger_crash_dump")],
  [19, "descriptions", takes(createServerSchema, plain({ description: "d" }))],
  [19, "are shown", shows(serverAt("show"), "description")],
  [22, "a live migration may be hurried", serves("POST", "/servers/:server_id/migrations/:migration_id/action")],
  [23, "a server's migrations", serves("GET", "/servers/:server_id/migrations")],
  [23, "migration_type", shows((v) => toMigrationView(migration, v), "migration_type")],
  [24, "and ended", serves("DELETE", "/servers/:server_id/migrations/:migration_id")],
  [25, "block_migration may be auto", acts("os-migrateLive", { block_migration: "auto", host: null })],
  [26, "tags", serves("GET", "/servers/:server_id/tags")],
  [26, "are shown", shows(serverAt("show"), "tags")],
  [28, "cpu_info is an object", (v) => typeof hypervisorAt(v)["cpu_info"] === "object"],
  [29, "evacuate may be forced", acts("evacuate", { host: "h", force: true })],
  [30, "live migration may be forced", acts("os-migrateLive", { block_migration: "auto", host: "h", force: true })],
  [32, "tags of networks", takes(createServerSchema, plain({ networks: [{ uuid: ID, tag: "t" }] }))],
  [
    33,
    "tags of disks, lost again",
    not(takes(createServerSchema, plain({ block_device_mapping_v2: [{ uuid: ID, tag: "t" }] }))),
  ],
  [36, "no doors to other services", not(serves("GET", "/images"))],
  [36, "nor to networks", not(serves("GET", "/os-networks"))],
  [36, "nor to volumes", not(serves("GET", "/os-volumes"))],
  [36, "no network quotas", not(takes(quotaSchema, quota("floating_ips")))],
  [37, "networks: auto and none", bootsWith({})],
  [37, "networks must be said", not(takes(createServerSchema, plain({})))],
  [38, "a status must be one", not(lists("status=unheard-of"))],
  [39, "no door to images' metadata", not(serves("GET", "/images/:image_id/metadata"))],
  [39, "no limit of images' metadata", not(shows(limitsAt, "maxImageMeta"))],
  [
    41,
    "aggregates have a uuid",
    shows((v) => toAggregateView({ createdAt: AT, updatedAt: null, hosts: [] } as never, v), "uuid"),
  ],
  [42, "tags of disks, found again", bootsWith({ block_device_mapping_v2: [{ uuid: ID, tag: "t" }] })],
  [43, "no os-hosts", not(serves("GET", "/os-hosts"))],
  [44, "no addresses by action", not(acts("addFixedIp"))],
  [47, "a server shows its flavor", (v) => Object.hasOwn(serverAt("show")(v)["flavor"] as object, "original_name")],
  [49, "tags of attached interfaces", takes(attachSchema, { interfaceAttachment: { net_id: ID, tag: "t" } })],
  [49, "tags of attached volumes", takes(attachVolumeSchema, attach({ tag: "t" }))],
  [50, "quota classes of groups", shows((v) => toQuotaClassView("default", QUOTA_DEFAULTS, v), "server_groups")],
  [50, "and none of networks", not(shows((v) => toQuotaClassView("default", QUOTA_DEFAULTS, v), "floating_ips"))],
  [51, "volume-extended", takes(externalEventsSchema, event("volume-extended"))],
  [51, "customers see events of actions", shows(actionAt(false), "events")],
  [52, "tags from the start", bootsWith({ tags: ["t"] })],
  [53, "services by uuid", serves("PUT", "/os-services/:service_id")],
  [53, "hypervisors by uuid", (v) => hypervisorAt(v)["id"] === ID],
  [53, "no search by path", not(serves("GET", "/os-hypervisors/:hypervisor_id/search"))],
  [54, "a rebuild may set the key", acts("rebuild", { imageRef: ID, key_name: "k" })],
  [55, "flavors are described", shows(flavorAt, "description")],
  [55, "later too", serves("PUT", "/flavors/:flavor_id")],
  [56, "a migration may name the host, and nothing else", not(acts("migrate", { unheard_of: "h" }))],
  [57, "no personality", not(bootsOrPlain({ personality: [] }))],
  [57, "no limits of it", not(shows(limitsAt, "maxPersonality"))],
  [57, "no quotas of it", not(takes(quotaSchema, quota("injected_files")))],
  [58, "actions show when they changed", shows((v) => toActionEntry(action as never, { version: v }), "updated_at")],
  [59, "migrations have a uuid", shows((v) => toMigrationView(migration, v), "uuid")],
  [61, "flavors show their extra specs", shows(flavorAt, "extra_specs")],
  [62, "events show the host", shows(eventAt, "host")],
  [63, "certificates of images", bootsWith({ trusted_image_certificates: ["c"] })],
  [63, "are shown", shows(serverAt("show"), "trusted_image_certificates")],
  [64, "a group has one policy", takes(createServerGroupSchema, { server_group: { name: "g", policy: "affinity" } })],
  [64, "and rules", shows(groupAt, "rules")],
  [66, "changes-before", (v) => lists("changes-before=2026-01-01")(v) && readsChangesBefore(v)],
  [67, "types of volumes", bootsWith({ block_device_mapping_v2: [{ uuid: ID, volume_type: "fast" }] })],
  [68, "nothing is forced", not(acts("evacuate", { host: "h", force: true }))],
  [70, "attached volumes show their tag", shows((v) => toAttachmentView(disk, v), "tag")],
  [70, "interfaces too", shows((v) => toInterfaceView(nic, v), "tag")],
  [71, "server_groups", shows(serverAt("show"), "server_groups")],
  [73, "a lock has a reason", shows(serverAt("show"), "locked_reason")],
  [73, "that may be said, and nothing else", not(acts("lock", { unheard_of: "r" }))],
  [74, "a host may be asked for", bootsWith({ host: "h" })],
  [75, "and so is that to a rebuild", shows(serverAt("rebuild"), "OS-EXT-SRV-ATTR:hostname")],
  [75, "unknown parameters are refused", not(lists("unheard_of=1"))],
  [75, "the answer to PUT is whole", shows(serverAt("update"), "OS-EXT-STS:vm_state")],
  [75, "no swap is 0", (v) => flavorAt(v)["swap"] === 0],
  [75, "hosts without servers say so", shows((v) => toHypervisorEntry(host as never, { version: v }, []), "servers")],
  [76, "power-update", takes(externalEventsSchema, event("power-update"))],
  [77, "unshelve to a zone, and nowhere else", not(acts("unshelve", { unheard_of: "nova" }))],
  [78, "topology", serves("GET", "/servers/:server_id/topology")],
  [79, "volumes that go with the server", takes(attachVolumeSchema, attach({ delete_on_termination: true }))],
  [79, "are shown", shows((v) => toAttachmentView(disk, v), "delete_on_termination")],
  [80, "migrations show whose they were", shows((v) => toMigrationView(migration, v), "project_id")],
  [81, "images of aggregates", serves("POST", "/os-aggregates/:aggregate_id/images")],
  [82, "accelerator-request-bound", takes(externalEventsSchema, event("accelerator-request-bound"))],
  [83, "customers filter by key", (v) => "key_name" in filterOf(v, "key_name=k")],
  [84, "events have details", shows(eventAt, "details")],
  [85, "an attachment may be changed", takes(updateAttachmentSchema, attach({ delete_on_termination: true }))],
  [86, "extra specs are checked", (v) => v >= 86 && !succeeds(() => checkExtraSpec("hw:unheard_of", "1"))],
  [87, "servers on volumes are rescued", (v) => mayRescueVolume(v, { hw_rescue_bus: "usb", hw_rescue_device: "disk" })],
  [88, "hypervisors do not count", not(shows(hypervisorAt, "vcpus"))],
  [88, "nor in sum", not(serves("GET", "/os-hypervisors/statistics"))],
  [88, "they say their uptime", shows(hypervisorAt, "uptime")],
  [89, "attachments show both ids", shows((v) => toAttachmentView(disk, v), "bdm_uuid")],
  [89, "and not the third", not(shows((v) => toAttachmentView(disk, v), "id"))],
  [90, "host names", bootsWith({ hostname: "web-1" })],
  [90, "of servers that there are", takes(updateServerSchema, { server: { hostname: "web-1" } })],
  [90, "everybody sees them", shows(serverAt("show", false), "OS-EXT-SRV-ATTR:hostname")],
  [91, "unshelve to a host", acts("unshelve", { host: "h" })],
  [92, "keys are brought, not made", not(takes(createKeypairSchema, { keypair: { name: "k" } }))],
  [92, "and may be named after somebody", takes(createKeypairSchema, { keypair: { name: "a@b.c", public_key: "k" } })],
  [93, "volume-reimaged", takes(externalEventsSchema, event("volume-reimaged"))],
  [93, "servers on volumes are rebuilt", rebuildsVolume],
];

function filterOf(version: number, query: string): object {
  return readListQuery(parseQuery(query), { projectId: "p", isAdmin: false, version }).filter.equal;
}

function readsChangesBefore(version: number): boolean {
  const { filter } = readListQuery(parseQuery("changes-before=2026-01-01"), {
    projectId: "p",
    isAdmin: false,
    version,
  });
  return filter.changesBefore !== undefined;
}

/** A body that is fine before and after 2.37. */
function bootsOrPlain(more: object): Holds {
  return takes(createServerSchema, boot(more, { networks: [{ uuid: ID }] }));
}

/** Versions that no schema, view or route of ours shows, and why. */
const SILENT: { readonly [version: number]: string } = {
  4: "os-fixed-ips, which is gone (410)",
  5: "a filter that was lost for customers: taken at every version here",
  7: "a public flavor takes no access: refused at every version here",
  8: "the console protocol mks, which is refused",
  12: "os-virtual-interfaces, which is gone (410)",
  18: "a project in the path is optional: there is none here, or a prefix that is taken off",
  20: "attaching to shelved servers: a state, in change-attachments.ts",
  21: "actions of servers that are gone: in read-actions.ts",
  27: "the newer header: in http/microversion.ts",
  31: "which console tokens may be asked about: in refused-doors.ts",
  34: "checks of a live migration in the background",
  35: "paging of key pairs: in change-keypairs.ts",
  40: "paging of usage: in read-usage.ts",
  45: "what createImage answers: in life.handlers.ts",
  46: "a header that is always sent",
  48: "diagnostics: in diagnostics.view.ts",
  60: "volumes for several servers: in change-attachments.ts",
  65: "ending live migrations that wait",
  69: "cells that are down: there are none",
  72: "ports with resource requests",
};

describe("every microversion", () => {
  for (const [version, what, holds] of HISTORY) {
    test(`2.${version}: ${what}`, () => {
      assert.equal(holds(version - 1), false, `it held before 2.${version}`);
      assert.equal(holds(version), true, `it does not hold at 2.${version}`);
    });
  }

  test("has a sample, or a reason to have none", () => {
    const versions = Array.from({ length: MICROVERSIONS.max - 1 }, (_, index) => index + 2);
    for (const version of versions) {
      const shown = HISTORY.some(([one]) => one === version);
      assert.equal(shown, !Object.hasOwn(SILENT, version), `2.${version}`);
    }
  });

  test("2.89: the answer to an attachment keeps its id", () => {
    assert.ok(Object.hasOwn(toNewAttachmentView(disk, 93), "id"));
    assert.ok(!Object.hasOwn(toNewAttachmentView(disk, 93), "bdm_uuid"));
  });

  test("2.75: a rebuild shows user data by its plain name only", () => {
    assert.ok(Object.hasOwn(serverAt("rebuild")(75), "user_data"));
    assert.ok(!Object.hasOwn(serverAt("rebuild")(75), "OS-EXT-SRV-ATTR:user_data"));
    assert.ok(Object.hasOwn(serverAt("update")(75), "OS-EXT-SRV-ATTR:user_data"));
  });
});
