/** When a unit that died is started again. Pure. */

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** Having run this long, a death is news again and not one of a series. */
const SETTLED_MS = 3_000;

export type RestartHistory = { quickDeaths: number };

/** How long to wait after a process that lived for `livedMs`, and the history to remember. */
export function planRestart(history: RestartHistory, livedMs: number): { delayMs: number; history: RestartHistory } {
  if (livedMs >= SETTLED_MS) return { delayMs: FIRST_DELAY_MS, history: { quickDeaths: 1 } };
  const quickDeaths = history.quickDeaths + 1;
  return {
    delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(quickDeaths - 1, 20)),
    history: { quickDeaths },
  };
}
