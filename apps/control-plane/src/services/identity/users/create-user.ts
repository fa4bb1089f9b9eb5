import { conflict, notFound } from "@andromede/base/errors";
import { newHexId } from "@andromede/base/ids";
import type { JsonObject } from "@andromede/base/json";
import type { Origin } from "@andromede/platform/events/append";

import type { App } from "../../../app.ts";
import { transact } from "../../../db/transaction.ts";
import { hashPassword } from "../passwords/password-hash.ts";
import { mergeExtra } from "../shared/extra.ts";
import { refusing } from "../shared/violations.ts";
import { mergeOptions } from "./user-options.ts";
import type { User, UserChange } from "./user.model.ts";
import { insertUser } from "./user.queries.ts";

export const duplicateUser = (name: string) => (cause: unknown) =>
  conflict(`Conflict occurred attempting to store user - Duplicate entry found with name ${name}.`, { cause });

export async function createUser(
  app: App,
  origin: Origin,
  given: UserChange & { name: string },
  domainId: string,
  extra: JsonObject,
): Promise<User> {
  const user: User = {
    id: newHexId(),
    domainId,
    name: given.name.trim(),
    defaultProjectId: given.default_project_id ?? null,
    enabled: given.enabled ?? true,
    options: mergeOptions({}, given.options),
    passwordChangedAt: typeof given.password === "string" ? new Date(app.clock.now()) : null,
    extra: mergeExtra({}, extra),
  };
  const { password } = given;
  const hash = password === undefined || password === null ? null : await hashPassword(password);
  await transact(app, origin, async (tx) => {
    await refusing(insertUser(tx.sql, user, hash), {
      duplicate: duplicateUser(user.name),
      dangling: (cause) => notFound(`Could not find domain: ${domainId}.`, { cause }),
    });
    tx.event({
      action: "identity.user.create",
      target: { type: "user", id: user.id },
      detail: { name: user.name, domain: domainId },
    });
  });
  return user;
}
