import { revocationOf } from "@andromede/platform/tokens/token.model";

import { type ResourceClass, nothingOwned } from "../../registry/registry.ts";
import {
  deleteCredential,
  findCredentialById,
  listCredentialIdsOfProject,
} from "./application-credentials/application-credential.queries.ts";
import { findRuleById } from "./access-rules/access-rule.queries.ts";
import { findEndpoint, findRegion, findService } from "./catalog/catalog.queries.ts";
import {
  deleteCredentialRow,
  findCredentialById as findKeptCredential,
  listCredentialIds,
} from "./credentials/credential.queries.ts";
import { findDomain } from "./domains/domain.queries.ts";
import { findGroupInDomain } from "./groups/group.queries.ts";
import { deleteLimitRow, findLimit, findRegisteredLimit, listLimitIdsOfProject } from "./limits/limit.queries.ts";
import { removeProject } from "./projects/delete-project.ts";
import { findProject } from "./projects/project.queries.ts";
import { writeRevocations } from "./revocations/revoke.ts";
import { findRole } from "./roles/role.queries.ts";
import { removeTrust } from "./trusts/delete-trust.ts";
import { findTrust, listTrustIdsOfProject } from "./trusts/trust.queries.ts";
import { findUserInDomain } from "./users/user.queries.ts";

/** Belongs to a domain or to the operator: a project's purge leaves it alone. */
const notOfProjects = {
  ownerColumn: null,
  meters: [],
  list: nothingOwned,
} satisfies Partial<ResourceClass>;
const VERBS = ["create", "update", "delete"];

export const identityClasses: ResourceClass[] = [
  {
    name: "identity.application_credential",
    table: "application_credential",
    ownerColumn: "project_id",
    deleteOrder: 10,
    meters: [],
    verbs: ["create", "delete"],
    list: (app, projectId) => listCredentialIdsOfProject(app.db, projectId),
    async remove(app, tx, id) {
      const credential = await findCredentialById(tx.sql, id);
      if (credential === null || !(await deleteCredential(tx.sql, id))) return;
      tx.event({
        action: "identity.application_credential.delete",
        target: { type: "application_credential", id, projectId: credential.projectId },
        detail: { name: credential.name },
      });
      await writeRevocations(app, tx, [revocationOf.applicationCredential(id)]);
    },
    export: (app, id) => findCredentialById(app.db, id),
  },
  {
    name: "identity.trust",
    table: "trust",
    ownerColumn: "project_id",
    deleteOrder: 10,
    meters: [],
    verbs: ["create", "delete"],
    list: (app, projectId) => listTrustIdsOfProject(app.db, projectId),
    async remove(app, tx, id) {
      const trust = await findTrust(tx.sql, id);
      if (trust === null) return;
      const subjects: string[] = [];
      await removeTrust(tx, (...named) => void subjects.push(...named), trust);
      await writeRevocations(app, tx, subjects);
    },
    export: (app, id) => findTrust(app.db, id),
  },
  {
    name: "identity.credential",
    table: "credential",
    ownerColumn: "project_id",
    deleteOrder: 10,
    meters: [],
    verbs: ["create", "update", "delete"],
    list: (app, projectId) => listCredentialIds(app.db, projectId),
    async remove(app, tx, id) {
      const credential = await findKeptCredential(tx.sql, id);
      if (credential === null || !(await deleteCredentialRow(tx.sql, id))) return;
      await writeRevocations(app, tx, [revocationOf.credential(id)]);
      tx.event({
        action: "identity.credential.delete",
        target: { type: "credential", id, projectId: credential.projectId },
        detail: { type: credential.type, user: credential.userId },
      });
    },
    async export(app, id) {
      const credential = await findKeptCredential(app.db, id);
      if (credential === null) return null;
      const { wrappedBlob: _, ...shown } = credential;
      return shown;
    },
  },
  {
    name: "identity.limit",
    table: "resource_limit",
    ownerColumn: "project_id",
    deleteOrder: 900,
    meters: [],
    verbs: VERBS,
    list: (app, projectId) => listLimitIdsOfProject(app.db, projectId),
    async remove(_app, tx, id) {
      const limit = await findLimit(tx.sql, id);
      if (limit === null || !(await deleteLimitRow(tx.sql, id))) return;
      tx.event({
        action: "identity.limit.delete",
        target: { type: "limit", id, projectId: limit.projectId },
        detail: { resource: limit.resourceName },
      });
    },
    export: (app, id) => findLimit(app.db, id),
  },
  {
    name: "identity.project",
    table: "project",
    ownerColumn: "id",
    // the last thing of itself that goes
    deleteOrder: 1000,
    meters: [],
    verbs: VERBS,
    async list(app, projectId) {
      return (await findProject(app.db, projectId)) === null ? [] : [projectId];
    },
    async remove(app, tx, id) {
      const subjects: string[] = [];
      await removeProject(tx, (...named) => void subjects.push(...named), null, id);
      await writeRevocations(app, tx, subjects);
    },
    export: (app, id) => findProject(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.user",
    table: "user_account",
    deleteOrder: 1010,
    verbs: [...VERBS, "change_password"],
    export: (app, id) => findUserInDomain(app.db, id, null),
  },
  {
    ...notOfProjects,
    name: "identity.group",
    table: "user_group",
    deleteOrder: 1020,
    verbs: [...VERBS, "add_user", "remove_user"],
    export: (app, id) => findGroupInDomain(app.db, id, null),
  },
  {
    ...notOfProjects,
    name: "identity.role",
    table: "role",
    deleteOrder: 1030,
    verbs: [...VERBS, "assign", "unassign", "imply", "cease_to_imply"],
    export: (app, id) => findRole(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.domain",
    table: "domain",
    deleteOrder: 1040,
    verbs: VERBS,
    export: (app, id) => findDomain(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.access_rule",
    table: "access_rule",
    deleteOrder: 1005,
    verbs: ["delete"],
    export: (app, id) => findRuleById(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.registered_limit",
    table: "registered_limit",
    deleteOrder: 1050,
    verbs: VERBS,
    export: (app, id) => findRegisteredLimit(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.service",
    table: "catalog_service",
    deleteOrder: 1060,
    verbs: VERBS,
    export: (app, id) => findService(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.endpoint",
    table: "catalog_endpoint",
    deleteOrder: 1055,
    verbs: VERBS,
    export: (app, id) => findEndpoint(app.db, id),
  },
  {
    ...notOfProjects,
    name: "identity.region",
    table: "region",
    deleteOrder: 1070,
    verbs: VERBS,
    export: (app, id) => findRegion(app.db, id),
  },
];
