import { route } from "../../../http/service.ts";
import { postServerAction } from "./action.handlers.ts";
import { clearPassword, showDiagnostics, showPassword } from "./life.handlers.ts";
import { actionSchema } from "./action.schema.ts";
import {
  deleteMetadataItem,
  deleteTag,
  deleteTags,
  listIps,
  listMetadata,
  listServerSecurityGroups,
  listTags,
  postMetadata,
  putMetadata,
  putMetadataItem,
  putTag,
  putTags,
  showIps,
  showMetadataItem,
  showTag,
} from "./metadata.handlers.ts";
import {
  deleteServerHandler,
  listServerDetails,
  listServerEntries,
  postServer,
  putServer,
  showServer,
} from "./server.handlers.ts";
import { createServerSchema, metadataBody, metadataItemBody, tagsBody, updateServerSchema } from "./server.schema.ts";

const SERVERS = "/v2.1/servers";
const SERVER = `${SERVERS}/:server_id`;
/** User data may be 64 KiB of base64, and there may be metadata beside it. */
const CREATE_BYTES = 512 * 1024;

export const serverRoutes = [
  route({ method: "GET", path: SERVERS, rule: "os_compute_api:servers:index", handler: listServerEntries }),
  route({
    method: "GET",
    path: `${SERVERS}/detail`,
    rule: "os_compute_api:servers:detail",
    handler: listServerDetails,
  }),
  route({
    method: "POST",
    path: SERVERS,
    rule: "os_compute_api:servers:create",
    body: createServerSchema,
    maxBodyBytes: CREATE_BYTES,
    handler: postServer,
  }),
  route({ method: "GET", path: SERVER, rule: "os_compute_api:servers:show", handler: showServer }),
  route({
    method: "PUT",
    path: SERVER,
    rule: "os_compute_api:servers:update",
    body: updateServerSchema,
    handler: putServer,
  }),
  route({ method: "DELETE", path: SERVER, rule: "os_compute_api:servers:delete", handler: deleteServerHandler }),
  route({
    method: "POST",
    path: `${SERVER}/action`,
    rule: "os_compute_api:servers:action",
    body: actionSchema,
    handler: postServerAction,
  }),

  route({
    method: "GET",
    path: `${SERVER}/metadata`,
    rule: "os_compute_api:server-metadata:index",
    handler: listMetadata,
  }),
  route({
    method: "POST",
    path: `${SERVER}/metadata`,
    rule: "os_compute_api:server-metadata:create",
    body: metadataBody,
    handler: postMetadata,
  }),
  route({
    method: "PUT",
    path: `${SERVER}/metadata`,
    rule: "os_compute_api:server-metadata:update_all",
    body: metadataBody,
    handler: putMetadata,
  }),
  route({
    method: "GET",
    path: `${SERVER}/metadata/:key`,
    rule: "os_compute_api:server-metadata:show",
    handler: showMetadataItem,
  }),
  route({
    method: "PUT",
    path: `${SERVER}/metadata/:key`,
    rule: "os_compute_api:server-metadata:update",
    body: metadataItemBody,
    handler: putMetadataItem,
  }),
  route({
    method: "DELETE",
    path: `${SERVER}/metadata/:key`,
    rule: "os_compute_api:server-metadata:delete",
    handler: deleteMetadataItem,
  }),

  route({
    method: "GET",
    path: `${SERVER}/tags`,
    since: 26,
    rule: "os_compute_api:os-server-tags:index",
    handler: listTags,
  }),
  route({
    method: "PUT",
    path: `${SERVER}/tags`,
    since: 26,
    rule: "os_compute_api:os-server-tags:update_all",
    body: tagsBody,
    handler: putTags,
  }),
  route({
    method: "DELETE",
    path: `${SERVER}/tags`,
    since: 26,
    rule: "os_compute_api:os-server-tags:delete_all",
    handler: deleteTags,
  }),
  route({
    method: "GET",
    path: `${SERVER}/tags/:tag`,
    since: 26,
    rule: "os_compute_api:os-server-tags:show",
    handler: showTag,
  }),
  route({
    method: "PUT",
    path: `${SERVER}/tags/:tag`,
    since: 26,
    rule: "os_compute_api:os-server-tags:update",
    handler: putTag,
  }),
  route({
    method: "DELETE",
    path: `${SERVER}/tags/:tag`,
    since: 26,
    rule: "os_compute_api:os-server-tags:delete",
    handler: deleteTag,
  }),

  route({
    method: "GET",
    path: `${SERVER}/diagnostics`,
    rule: "os_compute_api:os-server-diagnostics",
    handler: showDiagnostics,
  }),
  route({
    method: "GET",
    path: `${SERVER}/os-server-password`,
    rule: "os_compute_api:os-server-password:show",
    handler: showPassword,
  }),
  route({
    method: "DELETE",
    path: `${SERVER}/os-server-password`,
    rule: "os_compute_api:os-server-password:clear",
    handler: clearPassword,
  }),

  route({ method: "GET", path: `${SERVER}/ips`, rule: "os_compute_api:ips:index", handler: listIps }),
  route({ method: "GET", path: `${SERVER}/ips/:network`, rule: "os_compute_api:ips:show", handler: showIps }),
  route({
    method: "GET",
    path: `${SERVER}/os-security-groups`,
    rule: "os_compute_api:os-security-groups:list",
    handler: listServerSecurityGroups,
  }),
];
