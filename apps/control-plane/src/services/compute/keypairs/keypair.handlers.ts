import { nextPageQuery } from "../../../http/paging.ts";
import type { ApiRequest, Reply } from "../../../http/service.ts";
import { nextLink } from "../common/wire.ts";
import { createKeypair, keypairOwner, readKeypair, readKeypairs, removeKeypair } from "./change-keypairs.ts";
import type { CreateKeypairBody } from "./keypair.schema.ts";
import { toCreatedKeypair, toKeypairEntry, toKeypairView } from "./keypair.view.ts";

const ownerOf = (request: ApiRequest): string =>
  keypairOwner(request, request.version >= 10 ? request.query.get("user_id") : undefined);

export async function postKeypair(request: ApiRequest<CreateKeypairBody>): Promise<Reply> {
  const { name, type = "ssh", public_key: publicKey, user_id: userId } = request.body.keypair;
  const { keypair, privateKey } = await createKeypair(request, {
    userId: keypairOwner(request, userId),
    name,
    type,
    publicKey,
  });
  return {
    status: request.version >= 2 ? 201 : 200,
    body: { keypair: toCreatedKeypair(keypair, privateKey, request.version) },
  };
}

export async function listKeypairsHandler(request: ApiRequest): Promise<Reply> {
  const { keypairs, more } = await readKeypairs(request, ownerOf(request));
  const last = keypairs.at(-1);
  return {
    status: 200,
    body: {
      keypairs: keypairs.map((keypair) => toKeypairEntry(keypair, request.version)),
      ...(more && last !== undefined
        ? { keypairs_links: nextLink(request, "os-keypairs", nextPageQuery(request.query, last.name)) }
        : {}),
    },
  };
}

export async function showKeypair(request: ApiRequest): Promise<Reply> {
  const keypair = await readKeypair(request, ownerOf(request), request.params["keypair_name"] ?? "");
  return { status: 200, body: { keypair: toKeypairView(keypair, request.version) } };
}

export async function deleteKeypairHandler(request: ApiRequest): Promise<Reply> {
  await removeKeypair(request, ownerOf(request), request.params["keypair_name"] ?? "");
  return { status: request.version >= 2 ? 204 : 202 };
}
