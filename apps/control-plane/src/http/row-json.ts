/**
 * The JSON of rows, as it was made before. A long list costs what reading, viewing and serialising its rows costs, again for
 * every reader, though hardly any of them has changed since the last. What identifies a row's contents is its `xmin`: the
 * transaction that wrote this version of it, another with every change that was ever committed. A view that shows more than
 * its row adds that to the version.
 *
 * A memory, not a truth: which rows a list has, in which order, and in which version, is asked of the database each time.
 */
const MAX_ENTRIES = 5_000;

export type RowVersion = { id: string; version: string };
export type RowJson = { id: string; json: string };

export class RowJsonMemory {
  /** By id and kind of view; the oldest first. */
  readonly #entries = new Map<string, { version: string; json: string }>();

  /** The JSON of each of the rows; `load` reads those that are not known in that version, and makes theirs. */
  async jsonOf(
    rows: readonly RowVersion[],
    kind: string,
    load: (ids: string[]) => Promise<(RowVersion & { view: object })[]>,
  ): Promise<RowJson[]> {
    const unknown = rows.filter(({ id, version }) => this.#entries.get(`${kind}/${id}`)?.version !== version);
    const loaded = new Map<string, string>();
    if (unknown.length > 0) {
      for (const { id, version, view } of await load(unknown.map(({ id: one }) => one))) {
        const json = JSON.stringify(view);
        loaded.set(id, json);
        this.#remember(`${kind}/${id}`, version, json);
      }
    }
    const missing = new Set(unknown.map(({ id }) => id));
    return rows.flatMap(({ id }) => {
      // one that went between the two questions is not there
      const json = missing.has(id) ? loaded.get(id) : this.#entries.get(`${kind}/${id}`)?.json;
      return json === undefined ? [] : [{ id, json }];
    });
  }

  #remember(key: string, version: string, json: string): void {
    this.#entries.delete(key);
    this.#entries.set(key, { version, json });
    const oldest = this.#entries.size > MAX_ENTRIES ? this.#entries.keys().next().value : undefined;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
