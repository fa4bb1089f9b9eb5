/** What operators do to flavors. */
import { conflict, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import type { Flavor } from "./flavor.model.ts";
import {
  deleteFlavor,
  deleteFlavorAccess,
  findFlavor,
  insertFlavor,
  insertFlavorAccess,
  listFlavorAccess,
  mergeExtraSpecs,
  removeExtraSpec,
  setFlavorDescription,
} from "./flavor.queries.ts";
import { unknownFlavor } from "./read-flavors.ts";

const target = (id: string) => ({ type: "flavor", id, projectId: null });

export type NewFlavor = Omit<Flavor, "id" | "disabled" | "extraSpecs" | "createdAt" | "updatedAt"> & {
  id: string | null;
};

export async function createFlavor(request: ApiRequest, wanted: NewFlavor): Promise<Flavor> {
  const row = { ...wanted, id: wanted.id ?? newUuid(), disabled: false, createdAt: new Date(request.app.clock.now()) };
  return transact(request.app, request.origin, async (tx) => {
    if (!(await insertFlavor(tx.sql, row))) {
      const sameId = await findFlavor(tx.sql, row.id, null);
      throw conflict(
        sameId === null ? `Flavor with name ${row.name} already exists.` : `Flavor with ID ${row.id} already exists.`,
      );
    }
    tx.event({ action: "compute.flavor.create", target: target(row.id), detail: { name: row.name } });
    return { ...row, extraSpecs: {}, updatedAt: null };
  });
}

export async function removeFlavor(request: ApiRequest, id: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    if (!(await deleteFlavor(tx.sql, id))) throw unknownFlavor(id);
    tx.event({ action: "compute.flavor.delete", target: target(id) });
  });
}

export async function describeFlavor(request: ApiRequest, id: string, description: string | null): Promise<Flavor> {
  return transact(request.app, request.origin, async (tx) => {
    const flavor = await setFlavorDescription(tx.sql, id, description, new Date(request.app.clock.now()));
    if (flavor === null) throw unknownFlavor(id);
    tx.event({ action: "compute.flavor.update", target: target(id) });
    return flavor;
  });
}

export async function addExtraSpecs(
  request: ApiRequest,
  id: string,
  specs: { [key: string]: string },
): Promise<Flavor> {
  return transact(request.app, request.origin, async (tx) => {
    const flavor = await mergeExtraSpecs(tx.sql, id, specs);
    if (flavor === null) throw unknownFlavor(id);
    tx.event({ action: "compute.flavor.update", target: target(id), detail: { extra_specs: Object.keys(specs) } });
    return flavor;
  });
}

export async function dropExtraSpec(request: ApiRequest, id: string, key: string): Promise<void> {
  await transact(request.app, request.origin, async (tx) => {
    if (!(await removeExtraSpec(tx.sql, id, key))) throw notFound(`Flavor ${id} has no extra specs with key ${key}.`);
    tx.event({ action: "compute.flavor.update", target: target(id), detail: { removed: [key] } });
  });
}

/** Lets a project in, or out again; returns who is in now. */
export async function changeFlavorAccess(
  request: ApiRequest,
  id: string,
  projectId: string,
  allow: boolean,
): Promise<string[]> {
  return transact(request.app, request.origin, async (tx) => {
    const flavor = await findFlavor(tx.sql, id, null);
    if (flavor === null) throw unknownFlavor(id);
    if (allow) {
      if (flavor.isPublic) throw conflict("Can not add access to a public flavor.");
      if (!(await insertFlavorAccess(tx.sql, id, projectId))) {
        throw conflict(`Flavor access already exists for flavor ${id} and project ${projectId} combination.`);
      }
    } else if (!(await deleteFlavorAccess(tx.sql, id, projectId))) {
      throw notFound(`Flavor access not found for ${id} / ${projectId} combination.`);
    }
    tx.event({
      action: allow ? "compute.flavor.share" : "compute.flavor.unshare",
      target: target(id),
      detail: { project_id: projectId },
    });
    return listFlavorAccess(tx.sql, id);
  });
}
