/** Short ways to say what tests of the namespace do. Test files only. */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

import type { Container } from "../namespace/container.model.ts";
import type { ContainerChange, Namespace, PutObject } from "../namespace/namespace.ts";
import { createNamespace } from "../namespace/create-namespace.ts";
import type { StoredObject } from "../namespace/object.model.ts";
import { type MemoryBytes, openMemoryBytes } from "./memory-bytes.ts";
import { type TestStore, createTestStore } from "./test-store.ts";

export type Bench = TestStore & {
  /** A container of a project of its own, unless told. */
  container(change?: ContainerChange, projectId?: string): Promise<Container>;
  put(
    container: Container,
    key: string,
    body?: string | Buffer,
    more?: Partial<PutObject>,
    by?: Namespace,
  ): Promise<StoredObject>;
  /** As another process has it. */
  second: Namespace;
  read(container: Container, object: StoredObject, range?: { start: number; end: number }): Promise<string>;
  /** Whose rows and chunks do not add up; empty: all is well. */
  faults(): Promise<string[]>;
};

export async function createBench(options: { time?: "manual"; chunkBytes?: number } = {}): Promise<Bench> {
  let bytes: MemoryBytes | undefined;
  const test = await createTestStore({
    ...(options.time === undefined ? {} : { time: options.time }),
    bytes: async (db) => (bytes = await openMemoryBytes(db, options.chunkBytes)),
  });
  const { namespace } = test.store;
  const origin = test.originFor();
  return {
    ...test,
    container: async (change = {}, projectId = randomBytes(8).toString("hex")) =>
      (
        await namespace.createContainer(origin, projectId, `c${randomBytes(6).toString("hex")}`, {
          globalName: "try",
          change,
        })
      ).container,
    second: createNamespace(test.store),
    put(container, key, body = "body", more = {}, by = namespace) {
      const bytes = Buffer.from(body);
      return by.putObject(origin, container, {
        key,
        body: Readable.from([bytes]),
        size: bytes.length,
        maxBytes: 1 << 30,
        contentType: "text/plain",
        deleteAt: null,
        metadata: {},
        details: {},
        digests: [],
        ...more,
      });
    },
    async read(container, object, range = { start: 0, end: object.size }) {
      const body = await namespace.readObject(container, object, range);
      if (Buffer.isBuffer(body)) return body.toString();
      return Buffer.concat((await body.toArray()) as Buffer[]).toString();
    },
    faults: () => findFaults(test, bytes),
  };
}

/** Usage is the sum of rows, bodies are settled once, no chunk is lost or orphaned, and one version of a key is current. */
async function findFaults({ store }: TestStore, bytes: MemoryBytes | undefined): Promise<string[]> {
  const { db } = store;
  const [usage, lost, orphans, current] = await Promise.all([
    db<{ id: number; saw: string }[]>`
      select c.id, concat(u.n, '/', u.b, '/', u.p, ' for ', o.n, '/', o.b, '/', p.b) as saw from object_container c
      cross join lateral (
        select coalesce(sum(objects), 0) as n, coalesce(sum(bytes), 0) as b, coalesce(sum(part_bytes), 0) as p
        from object_usage where container_id = c.id) u
      cross join lateral (
        select count(*) filter (where not is_delete_marker) as n, coalesce(sum(size), 0) as b
        from object where container_id = c.id) o
      cross join lateral (
        select coalesce(sum(size), 0) as b from object_upload join object_part on upload_id = id
        where container_id = c.id) p
      where u.n <> o.n or u.b <> o.b or u.p <> p.b`,
    db<{ key: string }[]>`
      select o.key from object o where o.pack_id is null and o.size <> (
        select coalesce(sum(bytes), 0) from object_chunk c where c.owner = o.sequence)`,
    db<{ owner: number }[]>`
      select c.owner from object_chunk c where (c.owner is null) = (c.garbage_at is null) or (c.owner is not null
        and not exists (select from object where sequence = c.owner)
        and not exists (select from object_part where sequence = c.owner))`,
    db<{ key: string }[]>`
      select key from (
        select container_id, key, count(*) filter (where is_current) as n,
          (array_agg(is_current order by sequence desc))[1] as newest_current,
          (array_agg(is_delete_marker order by sequence desc))[1] as newest_marker
        from object group by 1, 2) k
      where n > 1 or newest_current = newest_marker`,
  ]);
  return [
    ...usage.map(({ id, saw }) => `container ${id} counts ${saw}`),
    ...lost.map(({ key }) => `${key} has lost bytes`),
    ...orphans.map(({ owner }) => `a chunk of ${owner} is nobody's and not garbage`),
    ...current.map(({ key }) => `${key}: not its newest version is current`),
    ...((bytes?.unsettled() ?? 0) === 0 ? [] : [`${bytes?.unsettled()} bodies were never settled`]),
    ...((bytes?.settledTwice() ?? 0) === 0 ? [] : [`${bytes?.settledTwice()} bodies were settled twice`]),
  ];
}
