import { forbidden, invalid, notFound } from "@andromede/base/errors";

import { allows } from "../../../http/policy.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { schemaAt, validate } from "../../../http/validation.ts";
import { openConsole, readConsoleText } from "../consoles/open-console.ts";
import { ruleNamed } from "../policy.ts";
import { ACTIONS, type ActionBody, type ActionName, type ActionRow } from "./action.schema.ts";
import { changePower, deleteServer, lockServerAction, resetState, unlockServerAction } from "./change-power.ts";
import { changeSecurityGroup } from "./server-groups.ts";

const accepted: Reply = { status: 202 };

/** One route, many actions: each has its own rule, microversions and body. */
export function postServerAction(request: ApiRequest<ActionBody>): Promise<Reply> {
  const [name = ""] = Object.keys(request.body);
  if (!Object.hasOwn(ACTIONS, name)) throw invalid(`There is no such action: ${name.slice(0, 100)}`);
  const row: ActionRow = ACTIONS[name as ActionName];
  if (request.version < (row.since ?? 0) || request.version > (row.until ?? Infinity)) {
    throw notFound("The resource could not be found.");
  }
  if (!allows(ruleNamed(row.rule).role, request.actor, request.plane)) {
    throw forbidden(`Policy doesn't allow ${row.rule} to be performed.`);
  }
  const value = request.body[name];
  validate(
    { type: "object", properties: { [name]: schemaAt(row.schema, request.version) } },
    request.body,
  );
  return perform(request, request.params["server_id"] ?? "", name as ActionName, value);
}

async function perform(request: ApiRequest, id: string, name: ActionName, value: unknown): Promise<Reply> {
  switch (name) {
    case "os-start":
      await changePower(request, id, "start");
      return accepted;
    case "os-stop":
      await changePower(request, id, "stop");
      return accepted;
    case "reboot": {
      const { type } = value as { type: string };
      await changePower(request, id, type.toUpperCase() === "HARD" ? "rebootHard" : "rebootSoft");
      return accepted;
    }
    case "pause":
    case "unpause":
    case "suspend":
    case "resume":
      await changePower(request, id, name);
      return accepted;
    case "lock":
      await lockServerAction(request, id, (value as { locked_reason?: string } | null)?.locked_reason ?? null);
      return accepted;
    case "unlock":
      await unlockServerAction(request, id);
      return accepted;
    case "forceDelete":
      await deleteServer(request, id);
      return accepted;
    case "addSecurityGroup":
    case "removeSecurityGroup":
      await changeSecurityGroup(request, id, (value as { name: string }).name, name === "addSecurityGroup" ? "add" : "remove");
      return accepted;
    case "os-resetState":
      await resetState(request, id, (value as { state: "active" | "error" }).state);
      return accepted;
    case "os-getConsoleOutput":
      return { status: 200, body: { output: await readConsoleText(request, id, (value as { length?: number | string | null }).length ?? null) } };
    case "os-getVNCConsole":
      return { status: 200, body: { console: { type: (value as { type: string }).type, url: await openConsole(request, id, "vnc") } } };
    case "os-getSerialConsole":
      return { status: 200, body: { console: { type: "serial", url: await openConsole(request, id, "serial") } } };
  }
}
