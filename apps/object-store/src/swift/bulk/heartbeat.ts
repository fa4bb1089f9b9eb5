/** Long work with one answer: blanks go out while it lasts, so that nobody between here and the client gives up. */
import { Readable } from "node:stream";

import { setTimeout as delay } from "node:timers/promises";

const BEAT_MS = 10_000;

/** `work` gives the answer's last part; it never rejects for what can be said in words. */
export function beating(first: string, work: Promise<string>): Readable {
  async function* beats(): AsyncGenerator<string> {
    let begun = false;
    for (;;) {
      const stop = new AbortController();
      const pause = delay(BEAT_MS, null, { signal: stop.signal }).catch(() => null);
      const done = await Promise.race([work, pause]);
      stop.abort();
      if (done !== null) {
        yield begun ? `\r\n\r\n${done}` : done;
        return;
      }
      yield begun ? " " : first;
      begun = true;
    }
  }
  return Readable.from(beats(), { objectMode: false });
}
