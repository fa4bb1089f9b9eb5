import { type Route, route } from "../../http/service.ts";
import * as discovery from "./discovery/discovery.handlers.ts";
import * as data from "./images/image-data.handlers.ts";
import * as images from "./images/image.handlers.ts";
import { createImageSchema, patchSchema } from "./images/image.schema.ts";
import * as imports from "./imports/import.handlers.ts";
import { importSchema } from "./imports/import.schema.ts";
import { metadefRoutes } from "./metadefs/metadef.routes.ts";
import * as members from "./members/member.handlers.ts";
import { createMemberSchema, updateMemberSchema } from "./members/member.schema.ts";

const IMAGE = "/v2/images/:image_id";
const MEMBER = `${IMAGE}/members/:member_id`;

export const imageRoutes: Route[] = [
  ...metadefRoutes,
  // "/" is served without its slash too
  ...["/", "/versions"].map((path) => route({ method: "GET", path, rule: "versions", handler: discovery.versions })),
  route({ method: "GET", path: "/v2/info/import", rule: "get_info", handler: discovery.importInfo }),
  route({ method: "GET", path: "/v2/info/stores", rule: "get_info", handler: discovery.storesInfo }),
  route({ method: "GET", path: "/v2/info/stores/detail", rule: "stores_info_detail", handler: discovery.storesDetail }),
  route({ method: "GET", path: "/v2/info/usage", rule: "get_usage", handler: discovery.usage }),
  route({
    method: "DELETE",
    path: "/v2/stores/:store_id/:image_id",
    rule: "delete_image_location",
    handler: discovery.deleteFromStore,
  }),
  route({ method: "GET", path: "/v2/cache", rule: "cache_list", handler: discovery.noCache }),
  route({ method: "DELETE", path: "/v2/cache", rule: "cache_delete", handler: discovery.noCache }),
  route({ method: "PUT", path: "/v2/cache/:image_id", rule: "cache_image", handler: discovery.noCache }),
  route({ method: "DELETE", path: "/v2/cache/:image_id", rule: "cache_delete", handler: discovery.noCache }),
  route({ method: "GET", path: "/v2/tasks", rule: "tasks_api_access", handler: imports.listTasks }),
  route({ method: "GET", path: "/v2/tasks/:task_id", rule: "tasks_api_access", handler: imports.showTask }),
  route({ method: "GET", path: "/v2/schemas/task", rule: "get_schemas", handler: discovery.taskSchema }),
  route({ method: "GET", path: "/v2/schemas/tasks", rule: "get_schemas", handler: discovery.tasksSchema }),
  route({ method: "GET", path: "/v2/schemas/image", rule: "get_schemas", handler: discovery.imageSchema }),
  route({ method: "GET", path: "/v2/schemas/images", rule: "get_schemas", handler: discovery.imagesSchema }),
  route({ method: "GET", path: "/v2/schemas/member", rule: "get_schemas", handler: discovery.memberSchema }),
  route({ method: "GET", path: "/v2/schemas/members", rule: "get_schemas", handler: discovery.membersSchema }),

  route({ method: "POST", path: "/v2/images", rule: "add_image", body: createImageSchema, handler: images.create }),
  route({ method: "GET", path: "/v2/images", rule: "get_images", handler: images.list }),
  route({ method: "GET", path: IMAGE, rule: "get_image", handler: images.show }),
  route({ method: "PATCH", path: IMAGE, rule: "modify_image", body: patchSchema, handler: images.update }),
  route({ method: "DELETE", path: IMAGE, rule: "delete_image", handler: images.remove }),
  route({ method: "PUT", path: `${IMAGE}/file`, rule: "upload_image", body: "stream", handler: data.upload }),
  route({ method: "PUT", path: `${IMAGE}/stage`, rule: "stage_image", body: "stream", handler: data.stage }),
  route({ method: "POST", path: `${IMAGE}/import`, rule: "import_image", body: importSchema, handler: imports.start }),
  route({ method: "GET", path: `${IMAGE}/tasks`, rule: "get_image_tasks", handler: imports.tasksOfImage }),
  route({ method: "GET", path: `${IMAGE}/file`, rule: "download_image", handler: data.download }),
  route({ method: "POST", path: `${IMAGE}/actions/deactivate`, rule: "deactivate", handler: images.deactivate }),
  route({ method: "POST", path: `${IMAGE}/actions/reactivate`, rule: "reactivate", handler: images.reactivate }),
  route({ method: "PUT", path: `${IMAGE}/tags/:tag`, rule: "modify_image", handler: images.putTag }),
  route({ method: "DELETE", path: `${IMAGE}/tags/:tag`, rule: "modify_image", handler: images.deleteTag }),

  route({
    method: "POST",
    path: `${IMAGE}/members`,
    rule: "add_member",
    body: createMemberSchema,
    handler: members.create,
  }),
  route({ method: "GET", path: `${IMAGE}/members`, rule: "get_members", handler: members.list }),
  route({ method: "GET", path: MEMBER, rule: "get_member", handler: members.show }),
  route({ method: "PUT", path: MEMBER, rule: "modify_member", body: updateMemberSchema, handler: members.update }),
  route({ method: "DELETE", path: MEMBER, rule: "delete_member", handler: members.remove }),
];
