/** Which of some media types a client would rather have (Accept). Pure. */
import { invalid } from "@andromede/base/errors";

const TOKEN = '[^()<>@,;:"/\\[\\]?={}\\x00-\\x20\\x7f]+';
const RANGE = new RegExp(`^\\s*(${TOKEN})/(${TOKEN})\\s*(?:;(.*))?$`);

type Wish = { type: string; subtype: string; quality: number };

/** null: none of them will do. Throws `invalid` for what is no Accept header. */
export function bestMatch(accept: string | undefined, options: readonly string[]): string | null {
  if (accept === undefined || accept.trim() === "") return options[0] ?? null;
  const wishes = accept.split(",").map(parseWish);
  wishes.sort((one, other) => other.quality - one.quality || specific(other) - specific(one));
  for (const wish of wishes) {
    const found = options.find((option) => matches(wish, option));
    if (found !== undefined) return wish.quality === 0 ? null : found;
  }
  return null;
}

function parseWish(text: string): Wish {
  const [, type, subtype, parameters = ""] = RANGE.exec(text) ?? [];
  if (type === undefined || subtype === undefined) throw invalid("Invalid Accept header");
  const quality = /(?:^|;)\s*q\s*=\s*([\d.]+)\s*(?:;|$)/.exec(parameters)?.[1];
  return { type, subtype, quality: quality === undefined ? 1 : Number(quality) };
}

const specific = ({ type, subtype }: Wish): number => (type === "*" || subtype === "*" ? 0 : 1);

const matches = ({ type, subtype }: Wish, option: string): boolean => {
  const slash = option.indexOf("/");
  return (type === "*" || type === option.slice(0, slash)) && (subtype === "*" || subtype === option.slice(slash + 1));
};
