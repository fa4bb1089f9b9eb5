/** Volume types on the wire: the types, their extra specs, who may use them, how they are encrypted, whose default they are. */
import { invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type ApiRequest, type Reply, noContent } from "../../../http/service.ts";
import { asksAsAdmin } from "../common/actor.ts";
import { readDictionary, readListRequest } from "../common/list-request.ts";
import { toBoolean, toInteger } from "../common/wire.ts";
import {
  changeEncryption,
  changeExtraSpecs,
  createType,
  makeDefault,
  readAccess,
  readDefault,
  removeType,
  shareType,
  unmakeDefault,
  unshareType,
  updateType,
} from "./change-types.ts";
import { isPublicAsked } from "./is-public.ts";
import { TYPE_SORTS, readType, readTypes } from "./read-types.ts";
import { type Encryption, LUKS, type VolumeType } from "./type.model.ts";
import type {
  CreateTypeBody,
  DefaultTypeBody,
  EncryptionBody,
  ExtraSpecBody,
  ExtraSpecsBody,
  TypeActionBody,
  UpdateTypeBody,
} from "./type.schema.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["type_id"] ?? "";
const keyOf = (request: Pick<ApiRequest, "params">): string => request.params["key"] ?? "";

/** What customers may know of a type's extra specs. */
const VISIBLE = ["RESKEY:availability_zones", "multiattach", "replication_enabled"];

function specsFor(request: ApiRequest, type: VolumeType): { [key: string]: string } {
  if (asksAsAdmin(request)) return type.extraSpecs;
  return Object.fromEntries(Object.entries(type.extraSpecs).filter(([key]) => VISIBLE.includes(key)));
}

const toBrief = (request: ApiRequest, type: VolumeType): object => ({
  id: type.id,
  name: type.name,
  is_public: type.isPublic,
  description: type.description,
  extra_specs: specsFor(request, type),
});

const toTypeView = (request: ApiRequest, type: VolumeType): object => ({
  ...toBrief(request, type),
  "os-volume-type-access:is_public": type.isPublic,
  ...(asksAsAdmin(request) ? { qos_specs_id: type.qosSpecsId } : {}),
});

/** Operators see what they ask for, the others what they may use. */
const publicity = (request: ApiRequest): boolean | undefined =>
  asksAsAdmin(request) ? isPublicAsked(request) : undefined;

export async function listTypes(request: ApiRequest): Promise<Reply> {
  const list = readListRequest(request, { sortKeys: TYPE_SORTS });
  const isPublic = publicity(request);
  const specs = request.version >= 52 ? request.query.get("extra_specs") : undefined;
  const extraSpecs = specs === undefined ? undefined : readDictionary(specs, "extra_specs");
  const hidden =
    extraSpecs !== undefined && !asksAsAdmin(request) && Object.keys(extraSpecs).some((key) => !VISIBLE.includes(key));
  const types = hidden
    ? []
    : await readTypes(request, list, {
        ...(isPublic === undefined ? {} : { isPublic }),
        ...(extraSpecs === undefined ? {} : { extraSpecs }),
      });
  return { status: 200, body: { volume_types: types.map((type) => toTypeView(request, type)) } };
}

export const showType = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { volume_type: toTypeView(request, await readType(request, idOf(request))) },
});

const textsOnly = (specs: { [key: string]: string | null } | null | undefined): { [key: string]: string } =>
  Object.fromEntries(Object.entries(specs ?? {}).map(([key, value]) => [key, value ?? ""]));

export async function postType(request: ApiRequest<CreateTypeBody>): Promise<Reply> {
  const { volume_type: wanted } = request.body;
  const isPublic = wanted["os-volume-type-access:is_public"];
  const type = await createType(request, {
    name: wanted.name.trim(),
    description: wanted.description ?? null,
    isPublic: isPublic === undefined || toBoolean(isPublic),
    extraSpecs: textsOnly(wanted.extra_specs),
  });
  return {
    status: 200,
    body: { volume_type: { ...toBrief(request, type), "os-volume-type-access:is_public": type.isPublic } },
  };
}

export async function putType(request: ApiRequest<UpdateTypeBody>): Promise<Reply> {
  const { name, description, is_public: isPublic } = request.body.volume_type;
  if (typeof name === "string" && name.trim() === "") throw invalid("Volume type name can not be empty.");
  if ((name ?? null) === null && (description ?? null) === null && isPublic === undefined) {
    throw invalid("Specify volume type name, description, is_public or a combination thereof.");
  }
  const type = await updateType(request, idOf(request), {
    ...(typeof name === "string" ? { name: name.trim() } : {}),
    ...((description ?? null) === null ? {} : { description }),
    ...(isPublic === undefined ? {} : { isPublic: toBoolean(isPublic) }),
  });
  return { status: 200, body: { volume_type: toBrief(request, type) } };
}

export async function deleteType(request: ApiRequest): Promise<Reply> {
  await removeType(request, idOf(request));
  return { status: 202 };
}

export const listExtraSpecs = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { extra_specs: specsFor(request, await readType(request, idOf(request))) },
});

const noSpec = (id: string, key: string) =>
  notFound(`Volume Type ${id} has no extra specs with key ${key}.`.slice(0, 600));

export async function showExtraSpec(request: ApiRequest): Promise<Reply> {
  const specs = specsFor(request, await readType(request, idOf(request)));
  const key = keyOf(request);
  if (!Object.hasOwn(specs, key)) throw noSpec(idOf(request), key);
  return { status: 200, body: { [key]: specs[key] } };
}

export async function postExtraSpecs(request: ApiRequest<ExtraSpecsBody>): Promise<Reply> {
  const added = textsOnly(request.body.extra_specs);
  await changeExtraSpecs(request, idOf(request), (current) => ({ ...current, ...added }));
  return { status: 200, body: request.body };
}

export async function putExtraSpec(request: ApiRequest<ExtraSpecBody>): Promise<Reply> {
  if (!Object.hasOwn(request.body, keyOf(request))) throw invalid("Request body and URI mismatch");
  await changeExtraSpecs(request, idOf(request), (current) => ({ ...current, ...textsOnly(request.body) }));
  return { status: 200, body: request.body };
}

export async function deleteExtraSpec(request: ApiRequest): Promise<Reply> {
  const key = keyOf(request);
  await changeExtraSpecs(request, idOf(request), (current) => {
    if (!Object.hasOwn(current, key)) throw noSpec(idOf(request), key);
    const { [key]: _removed, ...rest } = current;
    return rest;
  });
  return { status: 202 };
}

export const listAccess = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    volume_type_access: (await readAccess(request, idOf(request))).map((projectId) => ({
      volume_type_id: idOf(request),
      project_id: projectId,
    })),
  },
});

export async function actOnType(request: ApiRequest<TypeActionBody>): Promise<Reply> {
  const { addProjectAccess: add, removeProjectAccess: remove } = request.body;
  if (add !== undefined) await shareType(request, idOf(request), add.project);
  if (remove !== undefined) await unshareType(request, idOf(request), remove.project);
  return { status: 202 };
}

const toEncryption = (typeId: string, encryption: Encryption | null): { [name: string]: unknown } =>
  encryption === null
    ? {}
    : {
        volume_type_id: typeId,
        encryption_id: encryption.id,
        control_location: encryption.controlLocation,
        cipher: encryption.cipher,
        key_size: encryption.keySize,
        provider: encryption.provider,
        deleted: false,
        created_at: null,
        updated_at: null,
        deleted_at: null,
      };

/** What was said of a type; when nothing was, nothing, though its volumes are encrypted like all. */
export async function showEncryption(request: ApiRequest): Promise<Reply> {
  const type = await readType(request, idOf(request));
  return { status: 200, body: toEncryption(type.id, type.encryption) };
}

export async function showEncryptionItem(request: ApiRequest): Promise<Reply> {
  const type = await readType(request, idOf(request));
  const facts = toEncryption(type.id, type.encryption);
  const key = keyOf(request);
  if (!Object.hasOwn(facts, key)) throw notFound(`Volume type encryption for type ${type.id} does not exist.`);
  return { status: 200, body: { [key]: facts[key] } };
}

const sizeOf = (size: number | string | null | undefined, current: number | null): number | null =>
  size === undefined || size === null ? (size === null ? null : current) : toInteger(size, "key_size", 0);

function merge(current: Encryption | null, { encryption }: EncryptionBody): Encryption {
  const before = current ?? { id: newUuid(), ...LUKS, cipher: null, keySize: null };
  return {
    id: before.id,
    provider: encryption.provider ?? before.provider,
    cipher: encryption.cipher === undefined ? before.cipher : encryption.cipher,
    keySize: sizeOf(encryption.key_size, before.keySize),
    controlLocation: encryption.control_location ?? before.controlLocation,
  };
}

export async function postEncryption(request: ApiRequest<EncryptionBody>): Promise<Reply> {
  let made: Encryption | null = null;
  await changeEncryption(request, idOf(request), "create", (current) => (made = merge(current, request.body)));
  const { id: encryptionId } = made ?? { id: "" };
  return {
    status: 200,
    body: { encryption: { ...request.body.encryption, encryption_id: encryptionId, volume_type_id: idOf(request) } },
  };
}

export async function putEncryption(request: ApiRequest<EncryptionBody>): Promise<Reply> {
  await changeEncryption(request, idOf(request), "update", (current) => merge(current, request.body));
  return { status: 200, body: request.body };
}

export async function deleteEncryption(request: ApiRequest): Promise<Reply> {
  await changeEncryption(request, idOf(request), "delete", () => null);
  return { status: 202 };
}

const toDefault = ({ projectId, volumeTypeId }: { projectId: string; volumeTypeId: string }): object => ({
  project_id: projectId,
  volume_type_id: volumeTypeId,
});
const projectOfPath = (request: Pick<ApiRequest, "params">): string => request.params["project_id"] ?? "";

export const listDefaults = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: { default_types: (await readDefault(request, null)).map(toDefault) },
});

export async function showDefault(request: ApiRequest): Promise<Reply> {
  const [found] = await readDefault(request, projectOfPath(request));
  return { status: 200, body: { default_type: found === undefined ? {} : toDefault(found) } };
}

export async function putDefault(request: ApiRequest<DefaultTypeBody>): Promise<Reply> {
  const projectId = projectOfPath(request);
  const type = await makeDefault(request, projectId, request.body.default_type.volume_type);
  return { status: 200, body: { default_type: toDefault({ projectId, volumeTypeId: type.id }) } };
}

export async function deleteDefault(request: ApiRequest): Promise<Reply> {
  await unmakeDefault(request, projectOfPath(request));
  return noContent();
}
