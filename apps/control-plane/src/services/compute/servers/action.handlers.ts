import { CloudError, forbidden, invalid, notFound } from "@andromede/base/errors";

import { allows } from "../../../http/policy.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { schemaAt, validate } from "../../../http/validation.ts";
import { openConsole, readConsoleText } from "../consoles/open-console.ts";
import { ruleNamed } from "../policy.ts";
import type { PowerAction } from "./server.model.ts";
import { ACTIONS, type ActionBody, type ActionName, type ActionRow } from "./action.schema.ts";
import { changeFloatingIp } from "./floating-ip-actions.ts";
import { changePower, deleteServer, lockServerAction, unlockServerAction } from "./change-power.ts";
import { changeFixedIp, changePassword, injectNetworkInfo, triggerCrashDump } from "./guest-actions.ts";
import {
  confirmAction,
  createBackupAction,
  createImageAction,
  evacuateAction,
  migrateAction,
  migrateLiveAction,
  rebuildAction,
  rescueAction,
  resizeAction,
  unshelveAction,
} from "./life.handlers.ts";
import { unrescueServer } from "./rescue-server.ts";
import { resetState } from "./reset-state.ts";
import { revertResize } from "./resize-server.ts";
import { restoreServer } from "./soft-delete.ts";
import { offloadServer, shelveServer } from "./shelve-server.ts";
import { changeSecurityGroup } from "./server-groups.ts";

/** One route, many actions: each has its own rule, microversions and body. */
export async function postServerAction(request: ApiRequest<ActionBody>): Promise<Reply> {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(ACTIONS, name)) throw invalid(`There is no such action: ${name.slice(0, 100)}`);
  const row: ActionRow = ACTIONS[name as ActionName];
  if (request.version < (row.since ?? 0) || request.version > (row.until ?? Infinity)) {
    throw notFound("The resource could not be found.");
  }
  if (!allows(ruleNamed(row.rule).role, request.actor, request.plane)) {
    throw forbidden(`Policy doesn't allow ${row.rule} to be performed.`);
  }
  validate({ type: "object", properties: { [name]: schemaAt(row.schema, request.version) } }, request.body);
  const reply = await PERFORM[name as ActionName](
    request,
    request.params["server_id"] ?? "",
    request.body[name] as never,
  );
  return reply ?? { status: 202 };
}

type Perform = (request: ApiRequest, id: string, value: never) => Promise<Reply | void>;

const power =
  (action: PowerAction): Perform =>
  (request, id) =>
    changePower(request, id, action);
const consoleOf =
  (stream: "vnc" | "serial"): Perform =>
  async (request, id, { type }: { type: string }) => ({
    status: 200,
    body: { console: { type, url: await openConsole(request, id, stream) } },
  });

const PERFORM: { readonly [action in ActionName]: Perform } = {
  "os-start": power("start"),
  "os-stop": power("stop"),
  pause: power("pause"),
  unpause: power("unpause"),
  suspend: power("suspend"),
  resume: power("resume"),
  reboot: (request, id, { type }: { type: string }) =>
    changePower(request, id, type.toUpperCase() === "HARD" ? "rebootHard" : "rebootSoft"),
  lock: (request, id, value: { locked_reason?: string } | null) =>
    lockServerAction(request, id, value?.locked_reason ?? null),
  unlock: unlockServerAction,
  forceDelete: deleteServer,
  rebuild: rebuildAction,
  resize: resizeAction,
  confirmResize: confirmAction,
  revertResize,
  rescue: rescueAction,
  unrescue: unrescueServer,
  shelve: shelveServer,
  shelveOffload: offloadServer,
  unshelve: unshelveAction,
  createImage: createImageAction,
  createBackup: createBackupAction,
  migrate: migrateAction,
  "os-migrateLive": migrateLiveAction,
  evacuate: evacuateAction,
  changePassword: (request, id, { adminPass }: { adminPass: string }) => changePassword(request, id, adminPass),
  trigger_crash_dump: triggerCrashDump,
  restore: restoreServer,
  resetNetwork: () => {
    throw new CloudError("notFound", "This is gone: networks of servers are not reset by the hosts.", { status: 410 });
  },
  injectNetworkInfo,
  addFixedIp: (request, id, { networkId }: { networkId: string | number }) =>
    changeFixedIp(request, id, { add: String(networkId) }),
  removeFixedIp: (request, id, { address }: { address: string }) => changeFixedIp(request, id, { remove: address }),
  addFloatingIp: (request, id, wanted: { address: string; fixed_address?: string | null }) =>
    changeFloatingIp(request, id, { add: wanted.address, fixedAddress: wanted.fixed_address ?? null }),
  removeFloatingIp: (request, id, { address }: { address: string }) =>
    changeFloatingIp(request, id, { remove: address }),
  addSecurityGroup: (request, id, { name }: { name: string }) => changeSecurityGroup(request, id, name, "add"),
  removeSecurityGroup: (request, id, { name }: { name: string }) => changeSecurityGroup(request, id, name, "remove"),
  "os-resetState": (request, id, { state }: { state: "active" | "error" }) => resetState(request, id, state),
  "os-getConsoleOutput": async (request, id, { length }: { length?: number | string | null }) => ({
    status: 200,
    body: { output: await readConsoleText(request, id, length ?? null) },
  }),
  "os-getVNCConsole": consoleOf("vnc"),
  "os-getSerialConsole": consoleOf("serial"),
};
