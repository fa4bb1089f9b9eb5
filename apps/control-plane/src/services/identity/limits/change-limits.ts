import { conflict, forbidden, invalid, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { Queryable } from "@andromede/platform/db/database";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { catalogFor, doorsOf } from "../catalog/catalog.ts";
import { findRegion, findService } from "../catalog/catalog.queries.ts";
import { findDomain } from "../domains/domain.queries.ts";
import { findProject } from "../projects/project.queries.ts";
import { refusing } from "../shared/violations.ts";
import type { Limit, RegisteredLimit } from "./limit.model.ts";
import {
  deleteLimitRow,
  deleteRegisteredLimitRow,
  findLimit,
  findReference,
  hasLimits,
  insertLimit,
  insertRegisteredLimit,
  lockRegisteredLimit,
  updateLimitRow,
  updateRegisteredLimitRow,
} from "./limit.queries.ts";

export type RegisteredLimitChange = {
  service_id?: string;
  region_id?: string | null;
  resource_name?: string;
  default_limit?: number;
  description?: string | null;
};
export type NewRegisteredLimit = RegisteredLimitChange & {
  service_id: string;
  resource_name: string;
  default_limit: number;
};
export type NewLimit = {
  project_id?: string;
  domain_id?: string;
  service_id: string;
  region_id?: string | null;
  resource_name: string;
  resource_limit: number;
  description?: string | null;
};

const unknown = (member: string, target: string) =>
  invalid(
    `Expecting to find ${member} in ${target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
    { field: `${target}.${member}` },
  );
const inUse = (id: string) =>
  forbidden(`Unable to update or delete registered limit ${id} because there are project limits associated with it.`);
const duplicate = (what: string) => (cause: unknown) =>
  conflict(`Conflict occurred attempting to store ${what} - Duplicate entry.`, { cause });

/** What a body names must be there: 400, as Keystone. */
async function assertNamed(
  app: App,
  sql: Queryable,
  named: { service_id?: string; region_id?: string | null },
  target: string,
): Promise<void> {
  const { service_id: serviceId, region_id: regionId } = named;
  if (serviceId !== undefined) {
    const own = catalogFor(doorsOf(app.config, ""), app.config.region).some((entry) => entry.id === serviceId);
    if (!own && (await findService(sql, serviceId)) === null) throw unknown("service_id", target);
  }
  if (typeof regionId === "string" && regionId !== app.config.region && (await findRegion(sql, regionId)) === null)
    throw unknown("region_id", target);
}

/** All of them or none. */
export async function createRegisteredLimits(
  app: App,
  origin: Origin,
  given: NewRegisteredLimit[],
): Promise<RegisteredLimit[]> {
  return transact(app, origin, async (tx) => {
    const made: RegisteredLimit[] = [];
    for (const one of given) {
      await assertNamed(app, tx.sql, one, "registered_limit");
      const limit: RegisteredLimit = {
        id: newHexId(),
        serviceId: one.service_id,
        regionId: one.region_id ?? null,
        resourceName: one.resource_name,
        defaultLimit: one.default_limit,
        description: one.description ?? null,
      };
      await refusing(insertRegisteredLimit(tx.sql, limit), { duplicate: duplicate("registered_limit") });
      tx.event({
        action: "identity.registered_limit.create",
        target: { type: "registered_limit", id: limit.id },
        detail: { resource: limit.resourceName, limit: limit.defaultLimit },
      });
      made.push(limit);
    }
    return made;
  });
}

export async function updateRegisteredLimit(
  app: App,
  origin: Origin,
  id: string,
  change: RegisteredLimitChange,
): Promise<RegisteredLimit> {
  return transact(app, origin, async (tx) => {
    const before = await lockRegisteredLimit(tx.sql, id);
    if (before === null) throw notFound(`Could not find registered limit for ${id}.`);
    await assertNamed(app, tx.sql, change, "registered_limit");
    const after: RegisteredLimit = {
      id,
      serviceId: change.service_id ?? before.serviceId,
      regionId: change.region_id === undefined ? before.regionId : change.region_id,
      resourceName: change.resource_name ?? before.resourceName,
      defaultLimit: change.default_limit ?? before.defaultLimit,
      description: change.description === undefined ? before.description : change.description,
    };
    const renamed =
      after.serviceId !== before.serviceId ||
      after.regionId !== before.regionId ||
      after.resourceName !== before.resourceName;
    if (renamed && (await hasLimits(tx.sql, id))) throw inUse(id);
    await refusing(updateRegisteredLimitRow(tx.sql, after), { duplicate: duplicate("registered_limit") });
    tx.event({
      action: "identity.registered_limit.update",
      target: { type: "registered_limit", id },
      detail: { resource: after.resourceName, limit: after.defaultLimit },
    });
    return after;
  });
}

export async function deleteRegisteredLimit(app: App, origin: Origin, id: string): Promise<void> {
  await transact(app, origin, async (tx) => {
    const limit = await lockRegisteredLimit(tx.sql, id);
    if (limit === null) throw notFound(`Could not find registered limit for ${id}.`);
    if (await hasLimits(tx.sql, id)) throw inUse(id);
    await deleteRegisteredLimitRow(tx.sql, id);
    tx.event({
      action: "identity.registered_limit.delete",
      target: { type: "registered_limit", id },
      detail: { resource: limit.resourceName },
    });
  });
}

/** A project's or a domain's; a domain that is named as a project counts as the domain it is. */
async function settleOwner(sql: Queryable, given: NewLimit): Promise<Pick<Limit, "projectId" | "domainId">> {
  const { project_id: projectId, domain_id: domainId } = given;
  if (projectId !== undefined && (await findProject(sql, projectId)) !== null) return { projectId, domainId: null };
  const named = domainId ?? projectId ?? "";
  if ((await findDomain(sql, named)) === null)
    throw unknown(projectId === undefined ? "domain_id" : "project_id", "limit");
  return { projectId: null, domainId: named };
}

/** All of them or none. */
export async function createLimits(app: App, origin: Origin, given: NewLimit[]): Promise<Limit[]> {
  return transact(app, origin, async (tx) => {
    const made: Limit[] = [];
    for (const one of given) {
      await assertNamed(app, tx.sql, one, "limit");
      const owner = await settleOwner(tx.sql, one);
      const names = { serviceId: one.service_id, regionId: one.region_id ?? null, resourceName: one.resource_name };
      const registered = await findReference(tx.sql, names);
      if (registered === null) throw forbidden("Unable to create a limit that has no corresponding registered limit.");
      const limit: Limit = {
        id: newHexId(),
        registeredLimitId: registered.id,
        ...owner,
        ...names,
        resourceLimit: one.resource_limit,
        description: one.description ?? null,
      };
      await refusing(insertLimit(tx.sql, limit), { duplicate: duplicate("limit") });
      tx.event({
        action: "identity.limit.create",
        target: { type: "limit", id: limit.id, projectId: limit.projectId },
        detail: { resource: limit.resourceName, limit: limit.resourceLimit, domain: limit.domainId },
      });
      made.push(limit);
    }
    return made;
  });
}

export async function updateLimit(
  app: App,
  origin: Origin,
  id: string,
  change: { resource_limit?: number; description?: string | null },
): Promise<Limit> {
  return transact(app, origin, async (tx) => {
    const before = await findLimit(tx.sql, id);
    if (before === null) throw notFound(`Could not find limit for ${id}.`);
    const after: Limit = {
      ...before,
      resourceLimit: change.resource_limit ?? before.resourceLimit,
      description: change.description === undefined ? before.description : change.description,
    };
    await updateLimitRow(tx.sql, after);
    tx.event({
      action: "identity.limit.update",
      target: { type: "limit", id, projectId: after.projectId },
      detail: { resource: after.resourceName, limit: after.resourceLimit },
    });
    return after;
  });
}

export async function deleteLimit(app: App, origin: Origin, id: string): Promise<void> {
  await transact(app, origin, async (tx) => {
    const limit = await findLimit(tx.sql, id);
    if (limit === null || !(await deleteLimitRow(tx.sql, id))) throw notFound(`Could not find limit for ${id}.`);
    tx.event({
      action: "identity.limit.delete",
      target: { type: "limit", id, projectId: limit.projectId },
      detail: { resource: limit.resourceName },
    });
  });
}
