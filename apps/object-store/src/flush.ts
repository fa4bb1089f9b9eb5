/** What is gathered in memory and written after a moment, for all that came meanwhile: one turn after the other. */
export class Flush {
  readonly #afterMs: number;
  readonly #once: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  /** `once` writes what there is then. It never rejects: what it cannot write, it keeps, and asks for another turn. */
  constructor(afterMs: number, once: () => Promise<void>) {
    this.#afterMs = afterMs;
    this.#once = once;
  }

  /** A turn is to come, and has not begun. */
  get isDue(): boolean {
    return this.#timer !== undefined;
  }

  soon(): void {
    this.#timer ??= setTimeout(() => void this.now(), this.#afterMs).unref();
  }

  now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#turn = this.#turn.then(this.#once);
    return this.#turn;
  }

  /** A last turn. */
  async stop(): Promise<void> {
    await this.now();
    clearTimeout(this.#timer);
  }
}
