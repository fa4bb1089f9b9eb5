/** What operators do to volume types: make, change, share, encrypt, make default, remove. */
import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { projectExists } from "../../identity/public.ts";
import { noType } from "./read-types.ts";
import type { Encryption, VolumeType } from "./type.model.ts";
import {
  STANDARD_TYPE,
  countTypeUses,
  deleteAccess,
  deleteDefaultType,
  deleteType,
  findType,
  insertAccess,
  insertType,
  listAccess,
  listDefaultTypes,
  lockType,
  setDefaultType,
  setEncryption,
  setExtraSpecs,
  setTypeFacts,
} from "./type.queries.ts";

const target = (type: Pick<VolumeType, "id">) => ({ type: "volume_type", id: type.id });

export async function createType(
  request: ApiRequest,
  wanted: { name: string; description: string | null; isPublic: boolean; extraSpecs: { [key: string]: string } },
): Promise<VolumeType> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const id = newUuid();
    if (!(await insertType(tx.sql, { ...wanted, id }, new Date(app.clock.now())))) {
      throw conflict(`Volume Type ${wanted.name} already exists.`);
    }
    tx.event({ action: "volume.type.create", target: target({ id }), detail: { name: wanted.name } });
    const made = await lockType(tx.sql, id);
    if (made === null) throw noType(id);
    return made;
  });
}

function change<T>(
  request: ApiRequest,
  id: string,
  work: (tx: Transaction, type: VolumeType, at: Date) => Promise<T>,
): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const type = await lockType(tx.sql, id);
    if (type === null) throw noType(id);
    return work(tx, type, new Date(app.clock.now()));
  });
}

export const updateType = (
  request: ApiRequest,
  id: string,
  wanted: { name?: string; description?: string | null; isPublic?: boolean },
): Promise<VolumeType> =>
  change(request, id, async (tx, type, at) => {
    const facts = {
      name: wanted.name ?? type.name,
      description: wanted.description === undefined ? type.description : wanted.description,
      isPublic: wanted.isPublic ?? type.isPublic,
    };
    if (type.name === STANDARD_TYPE && facts.name !== STANDARD_TYPE) {
      throw invalid(`The type ${STANDARD_TYPE} is the default one, and keeps its name.`);
    }
    await setTypeFacts(tx.sql, id, facts, at);
    tx.event({ action: "volume.type.update", target: target(type), detail: facts });
    return { ...type, ...facts, updatedAt: at };
  });

export const removeType = (request: ApiRequest, id: string): Promise<void> =>
  change(request, id, async (tx, type) => {
    if (type.name === STANDARD_TYPE) {
      throw invalid(`The volume type ${id} is a default volume type and cannot be deleted.`);
    }
    if ((await countTypeUses(tx.sql, id)) > 0) throw invalid("Target volume type is still in use.");
    await deleteType(tx.sql, id);
    tx.event({ action: "volume.type.delete", target: target(type), detail: { name: type.name } });
  });

type Specs = { [key: string]: string };

export const changeExtraSpecs = (request: ApiRequest, id: string, how: (current: Specs) => Specs): Promise<Specs> =>
  change(request, id, async (tx, type, at) => {
    const specs = how(type.extraSpecs);
    if (Object.keys(specs).length > 200) throw invalid("A type may have at most 200 extra specs");
    await setExtraSpecs(tx.sql, id, specs, at);
    tx.event({ action: "volume.type.update", target: target(type), detail: { extra_specs: Object.keys(specs) } });
    return specs;
  });

/** Specs of encryption say nothing about volumes that are there: Cinder changes none of a type in use. */
export const changeEncryption = (
  request: ApiRequest,
  id: string,
  verb: "create" | "update" | "delete",
  how: (current: Encryption | null) => Encryption | null,
): Promise<void> =>
  change(request, id, async (tx, type, at) => {
    if (verb === "create" && type.encryption !== null) {
      throw invalid(`Volume type encryption for type ${id} already exists.`);
    }
    if (verb !== "create" && type.encryption === null) {
      throw notFound(`Volume type encryption for type ${id} does not exist.`);
    }
    if ((await countTypeUses(tx.sql, id)) > 0) {
      throw invalid(`Cannot ${verb} encryption specs. Volume type in use.`);
    }
    await setEncryption(tx.sql, id, how(type.encryption), at);
    tx.event({ action: "volume.type.update", target: target(type), detail: { encryption: verb } });
  });

export async function readAccess(request: ApiRequest, id: string): Promise<string[]> {
  const type = await findType(request.app.db, id, null);
  if (type === null) throw noType(id);
  if (type.isPublic) throw notFound("Access list not available for public volume types.");
  return listAccess(request.app.db, id);
}

export const shareType = (request: ApiRequest, id: string, projectId: string): Promise<void> =>
  change(request, id, async (tx, type) => {
    if (type.isPublic) throw invalid("Type access modification is not applicable to public volume type.");
    if (!(await insertAccess(tx.sql, id, projectId))) {
      throw conflict(`Volume type access for ${id} / ${projectId} combination already exists.`);
    }
    tx.event({
      action: "volume.type.share",
      target: { ...target(type), projectId },
      detail: { project_id: projectId },
    });
  });

export const unshareType = (request: ApiRequest, id: string, projectId: string): Promise<void> =>
  change(request, id, async (tx, type) => {
    if (type.isPublic) throw invalid("Type access modification is not applicable to public volume type.");
    if (!(await deleteAccess(tx.sql, id, projectId))) {
      throw notFound(`Volume type access not found for ${id} / ${projectId} combination.`);
    }
    tx.event({
      action: "volume.type.unshare",
      target: { ...target(type), projectId },
      detail: { project_id: projectId },
    });
  });

export async function makeDefault(request: ApiRequest, projectId: string, wanted: string): Promise<VolumeType> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const type = await findType(tx.sql, wanted, null, true);
    if (type === null) throw noType(wanted);
    if (!(await projectExists(tx.sql, projectId))) {
      throw notFound(`Project ${projectId} could not be found.`.slice(0, 400));
    }
    await setDefaultType(tx.sql, projectId, type.id);
    tx.event({
      action: "volume.default_type.update",
      target: { type: "default_volume_type", id: projectId, projectId },
      detail: { volume_type_id: type.id },
    });
    return type;
  });
}

export async function unmakeDefault(request: ApiRequest, projectId: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    if (!(await deleteDefaultType(tx.sql, projectId))) {
      throw notFound(`Default type for project ${projectId} not found.`.slice(0, 400));
    }
    tx.event({
      action: "volume.default_type.delete",
      target: { type: "default_volume_type", id: projectId, projectId },
    });
  });
}

export async function readDefault(
  request: ApiRequest,
  projectId: string | null,
): Promise<{ projectId: string; volumeTypeId: string }[]> {
  const found = await listDefaultTypes(request.app.db, projectId);
  if (projectId !== null && found.length === 0) {
    throw notFound(`Default type for project ${projectId} not found.`.slice(0, 400));
  }
  return found;
}
