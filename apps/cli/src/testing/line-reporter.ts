import type { TestEvent } from "node:test/reporters";

import type { Counts } from "./count-reporter.ts";

/** A node:test reporter of one line a test, with what failed explained; the last line is `N passed, N failed, N skipped`. */
export async function* lineReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const text = lineOf(event);
    if (text !== undefined) yield `${text}\n`;
  }
}

/** Pure. */
export function lineOf(event: TestEvent): string | undefined {
  if (event.type === "test:pass")
    return event.data.details.type === "suite" ? undefined : `passed   ${event.data.name}`;
  if (event.type === "test:fail") return failure(event.data.name, event.data.details.error);
  if (event.type === "test:diagnostic" && event.data.nesting > 0) return `         ${event.data.message}`;
  if (event.type !== "test:summary" || event.data.file !== undefined) return undefined;
  return closing(event.data.counts, event.data.success);
}

/** A suite that fails because of its tests has nothing to add to them. */
function failure(name: string, error: Error): string | undefined {
  if (/^\d+ subtests? failed$/.test(error.message)) return undefined;
  return `FAILED   ${name}\n${(error.cause instanceof Error ? error.cause : error).message}`;
}

function closing(counts: { [name: string]: number }, success: boolean): string {
  const failed = (counts["failed"] ?? 0) + (counts["cancelled"] ?? 0);
  const all: Counts = {
    passed: counts["passed"] ?? 0,
    // a hook that fails is no test
    failed: !success && failed === 0 ? 1 : failed,
    skipped: (counts["skipped"] ?? 0) + (counts["todo"] ?? 0),
  };
  return `${all.passed} passed, ${all.failed} failed, ${all.skipped} skipped`;
}

// node:test asks a reporter's module for its default export.
// eslint-disable-next-line import/no-default-export
export default lineReporter;
