import { type TokenContents, subjectsOf } from "./token.model.ts";

/** What was revoked, in memory: subject -> number of its latest revocation. */
export class RevocationSet {
  readonly #subjects = new Map<string, { number: number; expiresAtMs: number }>();
  #newest = 0;

  /** Everything up to this number is known. Also tells a cached verdict from a stale one. */
  get newest(): number {
    return this.#newest;
  }

  get size(): number {
    return this.#subjects.size;
  }

  add(number: number, subject: string, expiresAtMs: number): void {
    this.#subjects.set(subject, { number, expiresAtMs });
    this.#newest = Math.max(this.#newest, number);
  }

  revokes(contents: TokenContents): boolean {
    return subjectsOf(contents).some((subject) => (this.#subjects.get(subject)?.number ?? -1) > contents.asOf);
  }

  prune(nowMs: number): void {
    for (const [subject, entry] of this.#subjects) if (entry.expiresAtMs < nowMs) this.#subjects.delete(subject);
  }
}
