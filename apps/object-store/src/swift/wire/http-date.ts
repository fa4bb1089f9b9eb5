/** Times as Swift writes and reads them. Pure. */

/** Milliseconds; NaN for what is no date. */
export function parseHttpDate(text: string): number {
  // the three forms that HTTP allows begin with a day's name; Date.parse alone takes much else for a date
  return /^[A-Z][a-z]{2,8},? /.test(text)
    ? Date.parse(/ GMT$|[+-]\d{4}$/.test(text) ? text : `${text} GMT`)
    : Number.NaN;
}

/** Swift rounds up, so that If-Modified-Since with what it said earlier finds nothing newer. */
export const lastModifiedMs = (time: Date): number => Math.ceil(time.getTime() / 1000) * 1000;

let shownAtMs = Number.NaN;
let shown = "";
export function toHttpDate(ms: number): string {
  if (ms !== shownAtMs) {
    shown = new Date(ms).toUTCString();
    shownAtMs = ms;
  }
  return shown;
}

/** `X-Timestamp`: seconds with five digits behind the point. */
export const toTimestamp = (time: Date): string => (time.getTime() / 1000).toFixed(5);

/** `last_modified` in listings: to the microsecond, without a zone. */
export const toIsoTime = (time: Date): string => `${time.toISOString().slice(0, -1)}000`;
