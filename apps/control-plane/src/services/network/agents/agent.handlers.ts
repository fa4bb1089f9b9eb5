/** What Neutron calls agents: here each host's OVN controller and what serves metadata beside it, as the host's agent tells. */
import { createHash } from "node:crypto";

import { notFound } from "@andromede/base/errors";

import type { App } from "../../../app.ts";
import { type ApiRequest, type Reply, ok } from "../../../http/service.ts";
import { toTime } from "../common/wire.ts";
import { ZONE } from "../networks/network.view.ts";

const KINDS = [
  { type: "OVN Controller agent", binary: "ovn-controller" },
  { type: "OVN Metadata agent", binary: "neutron-ovn-metadata-agent" },
] as const;
const ANSWER_WITHIN_MS = 1_000;

/** Always the same for the same host and kind. */
function agentId(host: string, binary: string): string {
  const hex = createHash("sha256").update(`${binary} ${host}`).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Does the host answer now? */
async function isAlive(app: App, host: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([
      app.agents
        .client(host)
        .host()
        .then(() => true),
      late,
    ]);
  } catch (error) {
    app.log.debug({ error, host }, "the host's agent does not answer");
    return false;
  } finally {
    clearTimeout(timer);
  }
}

async function readAgents(app: App) {
  const alive = await Promise.all(app.config.hosts.map(({ name }) => isAlive(app, name)));
  const now = toTime(new Date(app.clock.now()));
  return app.config.hosts.flatMap(({ name }, index) =>
    KINDS.map(({ type, binary }) => ({
      id: agentId(name, binary),
      agent_type: type,
      binary,
      host: name,
      topic: "n/a",
      alive: alive[index] === true,
      admin_state_up: true,
      availability_zone: ZONE,
      created_at: now,
      started_at: now,
      heartbeat_timestamp: now,
      description: null,
      configurations: {},
      resources_synced: null,
    })),
  );
}

export async function listAgents(request: ApiRequest): Promise<Reply> {
  const wanted = (name: string, value: unknown): boolean =>
    !request.query.has(name) ||
    request.query.all(name).some((text) => text.toLowerCase() === String(value).toLowerCase());
  const agents = await readAgents(request.app);
  return ok({
    agents: agents.filter(
      (agent) =>
        wanted("host", agent.host) &&
        wanted("agent_type", agent.agent_type) &&
        wanted("binary", agent.binary) &&
        wanted("alive", agent.alive) &&
        wanted("id", agent.id),
    ),
  });
}

const noAgent = (id: string) => notFound(`Agent ${id} could not be found.`.slice(0, 400), { type: "AgentNotFound" });

/** Throws for an id that is no agent's. Asks no host. */
export function checkAgent({ config }: Pick<App, "config">, id: string): void {
  if (!config.hosts.some(({ name }) => KINDS.some(({ binary }) => agentId(name, binary) === id))) throw noAgent(id);
}

export async function showAgent(request: ApiRequest): Promise<Reply> {
  const id = request.params["id"] ?? "";
  const agent = (await readAgents(request.app)).find((one) => one.id === id);
  if (agent === undefined) throw noAgent(id);
  return ok({ agent });
}

export function listAvailabilityZones(): Reply {
  return ok({
    availability_zones: ["network", "router"].map((resource) => ({ name: ZONE, resource, state: "available" })),
  });
}

export const listServiceProviders = (): Reply => ok({ service_providers: [] });
