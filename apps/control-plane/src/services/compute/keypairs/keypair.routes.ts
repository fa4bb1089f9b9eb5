import { route } from "../../../http/service.ts";
import { deleteKeypairHandler, listKeypairsHandler, postKeypair, showKeypair } from "./keypair.handlers.ts";
import { createKeypairSchema } from "./keypair.schema.ts";

const KEYPAIR = "/v2.1/os-keypairs/:keypair_name";

export const keypairRoutes = [
  route({
    method: "GET",
    path: "/v2.1/os-keypairs",
    rule: "os_compute_api:os-keypairs:index",
    handler: listKeypairsHandler,
  }),
  route({
    method: "POST",
    path: "/v2.1/os-keypairs",
    rule: "os_compute_api:os-keypairs:create",
    body: createKeypairSchema,
    handler: postKeypair,
  }),
  route({ method: "GET", path: KEYPAIR, rule: "os_compute_api:os-keypairs:show", handler: showKeypair }),
  route({ method: "DELETE", path: KEYPAIR, rule: "os_compute_api:os-keypairs:delete", handler: deleteKeypairHandler }),
];
