/** What a request has for the condition keys of policies that are the same in both APIs. */
import type { Actor } from "@andromede/platform/tokens/actor";

import type { Exchange } from "../../http/exchange.ts";

type Value = string | null | undefined;

const SOURCES: { [key: string]: (exchange: Exchange, actor: Actor | null) => Value } = {
  "aws:sourceip": ({ address }) => address,
  "aws:securetransport": ({ door }) => String(door.url.startsWith("https:")),
  "aws:currenttime": ({ store }) => new Date(store.clock.now()).toISOString(),
  "aws:epochtime": ({ store }) => String(Math.floor(store.clock.now() / 1000)),
  "aws:useragent": ({ request }) => request.headers["user-agent"],
  "aws:referer": ({ request }) => request.headers.referer,
  "aws:userid": (_, actor) => actor?.userId,
  "aws:username": (_, actor) => actor?.userName,
  "aws:principalaccount": (_, actor) => actor?.projectId,
  "aws:principaltype": (_, actor) => (actor === null ? "Anonymous" : "User"),
  "aws:principalarn": (_, actor) =>
    actor === null ? null : `arn:aws:iam::${actor.projectId ?? ""}:user/${actor.userName}`,
};

/** `key` in lower case. `unknown`: it is none of these. */
export function commonValue(
  key: string,
  exchange: Exchange,
  actor: Actor | null,
): readonly string[] | undefined | "unknown" {
  const source = Object.hasOwn(SOURCES, key) ? SOURCES[key] : undefined;
  return source === undefined ? "unknown" : listOf(source(exchange, actor));
}

export const listOf = (value: Value): readonly string[] | undefined =>
  value === undefined || value === null ? undefined : [value];

/** The value of a tag whose name a policy gives in lower case. */
export function tagOf(tags: { [name: string]: string } | undefined, lowerName: string): string | undefined {
  for (const name in tags) if (name.toLowerCase() === lowerName) return tags[name];
  return undefined;
}
