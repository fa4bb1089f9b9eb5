import type { TestEvent } from "node:test/reporters";

export type Counts = { passed: number; failed: number; skipped: number };

/** A node:test reporter that says nothing but the final counts, as one JSON line. */
export async function* countReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // a summary with a file is that file's own
    if (event.type !== "test:summary" || event.data.file !== undefined) continue;
    const { passed, failed, cancelled, skipped, todo } = event.data.counts as { [name: string]: number };
    yield `${JSON.stringify({ passed: passed ?? 0, failed: (failed ?? 0) + (cancelled ?? 0), skipped: (skipped ?? 0) + (todo ?? 0) } satisfies Counts)}\n`;
  }
}

// node:test asks a reporter's module for its default export.
// eslint-disable-next-line import/no-default-export
export default countReporter;
