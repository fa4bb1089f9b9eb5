/**
 * Which key seals a body: the container's, a named one of its project (SSE-KMS), or the customer's own (SSE-C). Keys are
 * opened anew after a moment: when a project's key is destroyed, nothing of it opens here any more either.
 */
import { randomBytes } from "node:crypto";

import { invalid } from "@andromede/base/errors";
import type { Origin } from "@andromede/platform/events/append";

import type { SealingKey } from "../bytes/byte-store.ts";
import type { Container } from "./container.model.ts";
import type { NamespaceDeps } from "./deps.ts";
import { keyEvent } from "./events.ts";
import { findNamedKey, insertNamedKey } from "./key.queries.ts";
import type { ObjectDetails } from "./object.model.ts";
import { transact } from "./transact.ts";

const KEPT_MS = 2_000;
const MOST_KEPT = 10_000;

export type SealingKeys = {
  /** `origin`: on whose behalf a named key is made that is not there yet; null: it is read only. */
  keyFor(
    container: Pick<Container, "id" | "projectId" | "wrappedKey" | "wrappedName">,
    encryption: ObjectDetails["encryption"],
    options: { customerKey?: Buffer | undefined; origin: Origin | null },
  ): Promise<SealingKey>;
};

export function createSealingKeys(deps: NamespaceDeps): SealingKeys {
  const { db, keys } = deps;
  const kept = new Map<string, { key: Promise<SealingKey>; untilMs: number }>();

  function keep(name: string, open: () => Promise<SealingKey>): Promise<SealingKey> {
    // not the deps' clock: tests move that, and what is kept is kept for real time
    const nowMs = performance.now();
    const found = kept.get(name);
    if (found !== undefined && found.untilMs > nowMs) return found.key;
    if (kept.size >= MOST_KEPT) kept.clear();
    const key = open();
    kept.set(name, { key, untilMs: nowMs + KEPT_MS });
    key.catch(() => kept.delete(name));
    return key;
  }

  async function openNamed(projectId: string, name: string, origin: Origin | null): Promise<SealingKey> {
    const what = `object-key/${name}`;
    let wrapped = await findNamedKey(db, projectId, name);
    if (wrapped === null && origin !== null) {
      const wrappedKey = await keys.wrapForProject(db, projectId, randomBytes(32), what);
      await transact(deps, origin, async ({ sql, event }) => {
        if (await insertNamedKey(sql, { projectId, name, wrappedKey })) event(keyEvent(projectId, name));
      });
      wrapped = await findNamedKey(db, projectId, name);
    }
    if (wrapped === null) throw invalid(`There is no key ${name}`, { type: "KMS.NotFoundException" });
    return keys.unwrapForProject(db, projectId, wrapped, what);
  }

  return {
    keyFor(container, encryption, { customerKey, origin }) {
      if (customerKey !== undefined) return Promise.resolve(customerKey);
      switch (encryption?.kind) {
        case "customer":
          return Promise.reject(
            invalid(
              "The object was stored using a form of Server Side Encryption. The correct parameters must be provided",
              {
                type: "InvalidRequest",
              },
            ),
          );
        case "kms":
          return keep(`named/${container.projectId}/${encryption.keyId}`, () =>
            openNamed(container.projectId, encryption.keyId, origin),
          );
        case "container":
        case undefined:
          return keep(`container/${container.id}`, () =>
            keys.unwrapForProject(db, container.projectId, container.wrappedKey, container.wrappedName),
          );
      }
    },
  };
}
