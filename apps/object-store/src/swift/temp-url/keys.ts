/** The keys that an account or container has for signed URLs and forms. */
import type { Metadata } from "../wire/metadata.ts";
import { type SwiftRequest, findContainer } from "../swift-request.ts";

export type ScopedKey = { key: string; bearer: { projectId: string; container: string | null } };

/** Nobody has signed in: an account is looked at only where it has such a container, and none is made by looking. */
export async function keysFor(request: SwiftRequest, containerName: string): Promise<ScopedKey[]> {
  const { store, projectId } = request;
  const container = await findContainer(request, projectId, containerName);
  if (container === null) return [];
  const account = await store.namespace.account(projectId);
  return [
    ...keysIn(account.metadata).map((key) => ({ key, bearer: { projectId, container: null } })),
    ...keysIn(container.metadata).map((key) => ({ key, bearer: { projectId, container: container.name } })),
  ];
}

const keysIn = (metadata: Metadata): string[] =>
  ["temp-url-key", "temp-url-key-2"].flatMap((name) => (metadata[name] ? [metadata[name]] : []));
