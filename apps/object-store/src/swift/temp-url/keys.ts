/** The keys that an account or container has for signed URLs and forms. They are secrets: among its metadata they lie sealed. */
import type { Store } from "../../store.ts";
import { SECRET_KEYS } from "../accounts/account.view.ts";
import { type SwiftRequest, findContainer } from "../swift-request.ts";
import type { Metadata } from "../wire/metadata.ts";

export type ScopedKey = { key: string; bearer: { projectId: string; container: string | null } };

type Keys = Pick<Store, "db" | "keys">;

/** What the project's key wrapped them as. */
const WRAPPED_AS = "temp-url-key";

/** Nobody has signed in: an account is looked at only where it has such a container, and none is made by looking. */
export async function keysFor(request: SwiftRequest, containerName: string): Promise<ScopedKey[]> {
  const { store, projectId } = request;
  const container = await findContainer(request, projectId, containerName);
  if (container === null) return [];
  const account = await store.namespace.account(projectId);
  const [ofAccount, ofContainer] = await Promise.all([
    openKeys(store, projectId, account.metadata),
    openKeys(store, projectId, container.metadata),
  ]);
  return [
    ...keysIn(ofAccount).map((key) => ({ key, bearer: { projectId, container: null } })),
    ...keysIn(ofContainer).map((key) => ({ key, bearer: { projectId, container: container.name } })),
  ];
}

const keysIn = (metadata: Metadata): string[] =>
  [...SECRET_KEYS].flatMap((name) => (metadata[name] ? [metadata[name]] : []));

/** A change of metadata as it is kept. */
export async function sealKeys<Change extends { [name: string]: string | null }>(
  { db, keys }: Keys,
  projectId: string,
  change: Change,
): Promise<Change> {
  const sealed: { [name: string]: string } = {};
  for (const name of SECRET_KEYS) {
    const value = change[name];
    if (value === undefined || value === null) continue;
    // eslint-disable-next-line no-await-in-loop -- there are two, and the first may make the project's key
    const wrapped = await keys.wrapForProject(db, projectId, Buffer.from(value), WRAPPED_AS);
    sealed[name] = wrapped.toString("base64");
  }
  return { ...change, ...sealed };
}

/** Metadata as it was given. */
export async function openKeys({ db, keys }: Keys, projectId: string, metadata: Metadata): Promise<Metadata> {
  const opened: Metadata = {};
  for (const name of SECRET_KEYS) {
    const sealed = metadata[name];
    if (sealed === undefined) continue;
    // eslint-disable-next-line no-await-in-loop -- there are two at the most
    const key = await keys.unwrapForProject(db, projectId, Buffer.from(sealed, "base64"), WRAPPED_AS);
    opened[name] = key.toString();
  }
  return { ...metadata, ...opened };
}
