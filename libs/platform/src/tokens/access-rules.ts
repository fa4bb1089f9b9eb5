/**
 * Tokens that are good for some requests only (Identity API, "Application Credentials", access rules). A rule names a
 * service's type, a verb and a path, in which `*` and `{anything}` stand for one part and `**` for any number. Pure.
 */
import type { AccessRule } from "./actor.ts";

type Token = { literal: string } | "part" | "rest";

export type RuledRequest = { service: string; mount: string; method: string; path: string };

/** A service's name is the type its catalog entry has, but for these. */
const TYPES: { [service: string]: readonly string[] } = {
  volume: ["volumev3", "volume", "block-storage", "block-store"],
};

/** May a token with these rules make the request? Anybody may ask what a token is worth, as with OpenStack's own check. */
export function isAllowed(rules: readonly AccessRule[], request: RuledRequest): boolean {
  if (request.service === "identity" && request.method === "GET" && request.path.endsWith("/v3/auth/tokens"))
    return true;
  const types = TYPES[request.service] ?? [request.service];
  // a rule may be written with the prefix that our services share a port by, or without
  const paths = [request.path, request.path.slice(request.mount.length)];
  return rules.some(
    (rule) =>
      rule.method === request.method &&
      types.includes(rule.service) &&
      paths.some((path) => matchesPath(path, rule.path)),
  );
}

/** In time proportional to the product of both lengths, whatever somebody wrote. */
export function matchesPath(path: string, pattern: string): boolean {
  const tokens = readPattern(pattern);
  // reached[i]: the tokens before i match what was read so far
  let reached = new Set(skipRests(tokens, [0]));
  for (const character of path) {
    const next: number[] = [];
    for (const index of reached) next.push(...step(tokens, index, character));
    if (next.length === 0) return false;
    reached = new Set(skipRests(tokens, next));
  }
  return reached.has(tokens.length);
}

function step(tokens: Token[], index: number, character: string): number[] {
  const token = tokens[index];
  if (token === undefined) return [];
  if (token === "rest") return [index];
  if (token === "part") return character === "/" ? [] : [index, index + 1];
  return token.literal === character ? [index + 1] : [];
}

/** `**` also stands for nothing. */
function skipRests(tokens: Token[], indexes: number[]): number[] {
  const all = [...indexes];
  for (let index = 0; index < all.length; index += 1) {
    const at = all[index] ?? 0;
    if (tokens[at] === "rest" && !all.includes(at + 1)) all.push(at + 1);
  }
  return all;
}

function readPattern(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const [text] of pattern.matchAll(/\{[^}]*\}|\*{2,}|./gsu)) {
    if (text.startsWith("**")) tokens.push("rest");
    else if (text === "*" || (text.startsWith("{") && text.length > 1)) tokens.push("part");
    else tokens.push({ literal: text });
  }
  return tokens;
}
