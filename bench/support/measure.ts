/** Loops, percentiles and one JSON line a figure. */

export type Figure = { figure: string; [fact: string]: unknown };

export function emit(figure: Figure): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

export const latencies = (values: number[]): { p50_ms: number; p99_ms: number } => ({
  p50_ms: round(percentile(values, 0.5)),
  p99_ms: round(percentile(values, 0.99)),
});

/** `clients` callers in a loop for `seconds` after a short warm-up; each call's milliseconds. */
export async function load(
  figure: string,
  clients: number,
  seconds: number,
  makeClient: () => { once: () => Promise<void>; close: () => void },
  facts: { [name: string]: unknown } = {},
): Promise<void> {
  const run = async (forMs: number): Promise<{ times: number[]; wallMs: number }> => {
    const times: number[] = [];
    const started = performance.now();
    await Promise.all(
      Array.from({ length: clients }, async () => {
        const client = makeClient();
        while (performance.now() - started < forMs) {
          const before = performance.now();
          await client.once();
          times.push(performance.now() - before);
        }
        client.close();
      }),
    );
    return { times, wallMs: performance.now() - started };
  };
  await run(Math.min(1_000, seconds * 500));
  const { times, wallMs } = await run(seconds * 1_000);
  emit({
    figure,
    clients,
    rps: round((times.length * 1_000) / wallMs),
    ...latencies(times),
    requests: times.length,
    ...facts,
  });
}

/** Proportional set size of a process and its children, MiB. */
export function inMib(kib: number): number {
  return round(kib / 1_024, 1);
}
