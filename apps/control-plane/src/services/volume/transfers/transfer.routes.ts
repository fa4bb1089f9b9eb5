import { route } from "../../../http/service.ts";
import {
  acceptTransferSchema,
  createTransferSchema,
  listTransfers,
  listTransfersDetail,
  postAccept,
  postTransfer,
  removeTransfer,
  showTransfer,
} from "./transfer.handlers.ts";

const routesAt = (path: string, since: number) => {
  const one = `${path}/:transfer_id`;
  return [
    route({ method: "GET", path, rule: "volume:get_all_transfers", since, handler: listTransfers }),
    route({
      method: "GET",
      path: `${path}/detail`,
      rule: "volume:get_all_transfers",
      since,
      handler: listTransfersDetail,
    }),
    route({
      method: "POST",
      path,
      rule: "volume:create_transfer",
      since,
      body: createTransferSchema,
      handler: postTransfer,
    }),
    route({ method: "GET", path: one, rule: "volume:get_transfer", since, handler: showTransfer }),
    route({ method: "DELETE", path: one, rule: "volume:delete_transfer", since, handler: removeTransfer }),
    route({
      method: "POST",
      path: `${one}/accept`,
      rule: "volume:accept_transfer",
      since,
      body: acceptTransferSchema,
      handler: postAccept,
    }),
  ];
};

export const transferRoutes = [...routesAt("/v3/os-volume-transfer", 0), ...routesAt("/v3/volume-transfers", 55)];
