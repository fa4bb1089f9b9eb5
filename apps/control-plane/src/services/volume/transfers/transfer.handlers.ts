/** Offers of volumes on the wire: `os-volume-transfer`, and `volume-transfers` from 3.55 on. */
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { pageLinks, pagedSince, readListRequest } from "../common/list-request.ts";
import { booleanSchema, idSchema, isoTime, linksOf, nameSchema, toBoolean, trimmed, wrapped } from "../common/wire.ts";
import {
  TRANSFER_SORTS,
  type Transfer,
  acceptTransfer,
  createTransfer,
  deleteTransfer,
  readTransfer,
  readTransfers,
} from "./use-transfers.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["transfer_id"] ?? "";

const offer = (more: object) =>
  wrapped("transfer", {
    type: "object",
    required: ["volume_id"],
    additionalProperties: false,
    properties: { volume_id: idSchema, name: nameSchema, ...more },
  });
export const createTransferSchema = [
  { since: 0, schema: offer({}) },
  { since: 55, schema: offer({ no_snapshots: booleanSchema }) },
];
type CreateBody = { transfer: { volume_id: string; name?: string | null; no_snapshots?: boolean | string } };

export const acceptTransferSchema = wrapped("accept", {
  type: "object",
  required: ["auth_key"],
  additionalProperties: false,
  properties: { auth_key: { type: ["string", "integer"], minLength: 1, maxLength: 255 } },
});
type AcceptBody = { accept: { auth_key: string | number } };

const toSummary = (request: ApiRequest, transfer: Transfer): object => ({
  id: transfer.id,
  volume_id: transfer.volumeId,
  name: transfer.name,
  links: linksOf(request, `os-volume-transfer/${transfer.id}`),
});

const toDetail = (request: ApiRequest, transfer: Transfer): object => ({
  ...toSummary(request, transfer),
  created_at: isoTime(transfer.createdAt),
  ...(request.version >= 55 ? { no_snapshots: transfer.noSnapshots } : {}),
  ...(request.version >= 57
    ? {
        source_project_id: transfer.projectId,
        destination_project_id: transfer.destinationProjectId,
        accepted: transfer.destinationProjectId !== null,
      }
    : {}),
});

const list =
  (toView: typeof toDetail) =>
  async (request: ApiRequest): Promise<Reply> => {
    const paged = pagedSince(request, 59);
    const asked = readListRequest(paged, { sortKeys: TRANSFER_SORTS });
    // where nobody says otherwise, the oldest first
    const sorted =
      paged.query.has("sort") || paged.query.has("sort_key")
        ? asked
        : { ...asked, sort: [{ key: "created_at", descending: false }] };
    const [name, volumeId] = [request.query.get("name"), request.query.get("volume_id")];
    const found = await readTransfers(request, sorted, {
      ...(name === undefined ? {} : { name }),
      ...(volumeId === undefined ? {} : { volumeId }),
    });
    return {
      status: 200,
      body: {
        transfers: found.map((transfer) => toView(request, transfer)),
        ...pageLinks(paged, "transfers_links", sorted, found),
      },
    };
  };
export const listTransfers = list(toSummary);
export const listTransfersDetail = list(toDetail);

export const showTransfer = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { transfer: toDetail(request, await readTransfer(request, idOf(request))) },
});

export async function postTransfer(request: ApiRequest<CreateBody>): Promise<Reply> {
  const { transfer } = request.body;
  const made = await createTransfer(request, {
    volumeId: transfer.volume_id,
    name: trimmed(transfer.name) ?? null,
    noSnapshots: toBoolean(transfer.no_snapshots),
  });
  return { status: 202, body: { transfer: { ...toDetail(request, made.transfer), auth_key: made.secret } } };
}

export async function postAccept(request: ApiRequest<AcceptBody>): Promise<Reply> {
  const transfer = await acceptTransfer(request, idOf(request), String(request.body.accept.auth_key));
  return { status: 202, body: { transfer: toSummary(request, transfer) } };
}

export async function removeTransfer(request: ApiRequest): Promise<Reply> {
  await deleteTransfer(request, idOf(request));
  return { status: 202 };
}
