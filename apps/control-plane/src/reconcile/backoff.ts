/** 100 ms, 200 ms, ... up to 30 s, each shortened by up to a quarter so that what failed together is not retried together. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  return Math.min(30_000, 100 * 2 ** Math.min(attempts, 12)) * (1 - random() / 4);
}
