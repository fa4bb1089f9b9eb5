/** What other services of a cloud tell Nova of its servers. Ours tell each other within one transaction; operators' tools may still ask. */
import { transact } from "../../../db/transaction.ts";
import { type ApiRequest, type Reply } from "../../../http/service.ts";
import { serversThatExist } from "../servers/server.queries.ts";

const STATUSES = ["failed", "completed", "in-progress"];
const NAMES = ["network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted"];

const body = (names: readonly string[]) => ({
  type: "object",
  required: ["events"],
  additionalProperties: false,
  properties: {
    events: {
      type: "array",
      minItems: 1,
      maxItems: 1000,
      items: {
        type: "object",
        required: ["server_uuid", "name"],
        additionalProperties: false,
        properties: {
          server_uuid: { type: "string", format: "uuid" },
          name: { type: "string", enum: names },
          status: { type: "string", enum: STATUSES },
          tag: { type: "string", maxLength: 255 },
        },
      },
    },
  },
});
const at51 = [...NAMES, "volume-extended"];
const at76 = [...at51, "power-update"];
const at82 = [...at76, "accelerator-request-bound"];
const at93 = [...at82, "volume-reimaged"];

export const externalEventsSchema = [
  { since: 0, schema: body(NAMES) },
  { since: 51, schema: body(at51) },
  { since: 76, schema: body(at76) },
  { since: 82, schema: body(at82) },
  { since: 93, schema: body(at93) },
];
type ExternalEvent = { server_uuid: string; name: string; status?: string; tag?: string };
export type ExternalEventsBody = { events: ExternalEvent[] };

const NEEDS_TAG = ["volume-extended", "power-update", "accelerator-request-bound"];

/** Whatever happened, each server that was named is looked at: what is true of it does not depend on who says so. */
export async function postExternalEvents(request: ApiRequest<ExternalEventsBody>): Promise<Reply> {
  const { events } = request.body;
  const known = await serversThatExist(request.app.db, [...new Set(events.map((event) => event.server_uuid))]);
  const answers = events.map((event) => answer(event, known));
  const heard = new Set(answers.filter(({ code }) => code === 200).map((one) => one.server_uuid));
  if (heard.size > 0) {
    await transact(request.app, request.origin, (tx) => {
      for (const id of heard) tx.enqueue(`server/${id}`);
      return Promise.resolve();
    });
  }
  return { status: answers.every(({ code }) => code === 200) ? 200 : 207, body: { events: answers } };
}

function answer(event: ExternalEvent, known: Map<string, boolean>): ExternalEvent & { status: string; code: number } {
  const placed = known.get(event.server_uuid);
  if (placed === undefined) return { ...event, status: "failed", code: 404 };
  if (NEEDS_TAG.includes(event.name) && event.tag === undefined) return { ...event, status: "failed", code: 400 };
  return placed ? { ...event, status: "completed", code: 200 } : { ...event, status: "failed", code: 422 };
}
