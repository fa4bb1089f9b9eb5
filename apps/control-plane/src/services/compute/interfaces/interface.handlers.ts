import { badFixedIps, toRequested } from "./interface.model.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { attachInterface, detachInterface, readInterface, readInterfaces } from "./change-interfaces.ts";
import type { AttachBody } from "./interface.schema.ts";
import { toInterfaceView } from "./interface.view.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["server_id"] ?? "";
const portOf = (request: Pick<ApiRequest, "params">): string => request.params["port_id"] ?? "";

export const listInterfaces = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    interfaceAttachments: (await readInterfaces(request, idOf(request))).map((port) =>
      toInterfaceView(port, request.version),
    ),
  },
});

export const showInterface = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    interfaceAttachment: toInterfaceView(await readInterface(request, idOf(request), portOf(request)), request.version),
  },
});

export async function postInterface(request: ApiRequest<AttachBody>): Promise<Reply> {
  const attachment = request.body.interfaceAttachment ?? {};
  badFixedIps(attachment);
  const port = await attachInterface(request, idOf(request), toRequested(attachment));
  return { status: 200, body: { interfaceAttachment: toInterfaceView(port, request.version) } };
}

export async function deleteInterface(request: ApiRequest): Promise<Reply> {
  await detachInterface(request, idOf(request), portOf(request));
  return { status: 202 };
}
