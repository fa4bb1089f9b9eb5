import type { Route } from "../../http/service.ts";
import { attachmentRoutes } from "./volumes/attachment.routes.ts";
import { actionRoutes } from "./actions/action.routes.ts";
import { aggregateRoutes } from "./aggregates/aggregate.routes.ts";
import { consoleRoutes } from "./consoles/console.routes.ts";
import { flavorRoutes } from "./flavors/flavor.routes.ts";
import { goneRoutes } from "./gone/gone.routes.ts";
import { hostRoutes } from "./hosts/host.routes.ts";
import { imageRoutes } from "./images/image.routes.ts";
import { interfaceRoutes } from "./interfaces/interface.routes.ts";
import { keypairRoutes } from "./keypairs/keypair.routes.ts";
import { networkProxyRoutes } from "./network-proxies/network-proxy.routes.ts";
import { migrationRoutes } from "./migrations/migration.routes.ts";
import { operatorDoorRoutes } from "./operator-doors/operator-doors.routes.ts";
import { quotaRoutes } from "./quotas/quota.routes.ts";
import { securityGroupRoutes } from "./security-groups/security-group.routes.ts";
import { serverGroupRoutes } from "./server-groups/server-group.routes.ts";
import { serverRoutes } from "./servers/server.routes.ts";
import { usageRoutes } from "./usage/usage.routes.ts";
import { volumeProxyRoutes } from "./volume-proxies/volume-proxy.routes.ts";
import { topologyRoutes } from "./servers/topology.routes.ts";
import { versionRoutes } from "./versions/version.routes.ts";

export const computeRoutes: Route[] = [
  ...versionRoutes,
  ...attachmentRoutes,
  ...imageRoutes,
  ...goneRoutes,
  ...usageRoutes,
  ...operatorDoorRoutes,
  ...volumeProxyRoutes,
  ...networkProxyRoutes,
  ...aggregateRoutes,
  ...serverGroupRoutes,
  ...flavorRoutes,
  ...keypairRoutes,
  ...serverRoutes,
  ...topologyRoutes,
  ...migrationRoutes,
  ...interfaceRoutes,
  ...actionRoutes,
  ...consoleRoutes,
  ...securityGroupRoutes,
  ...quotaRoutes,
  ...hostRoutes,
];
