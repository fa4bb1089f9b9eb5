/** One namespace: what a container's policy forbids is forbidden whichever way somebody comes. What it allows is S3's. */
import type { IncomingHttpHeaders } from "node:http";

import type { Actor } from "@andromede/platform/tokens/actor";

import type { Exchange } from "../../http/exchange.ts";
import type { Container } from "../../namespace/container.model.ts";
import { commonValue, listOf, tagOf } from "../../s3/authorize/condition-values.ts";
import type { ConditionValues } from "../../s3/authorize/conditions.ts";
import { evaluatePolicy, policyOf } from "../../s3/authorize/policy.model.ts";
import type { Query } from "../wire/text.ts";
import { s3Actions } from "./actions.model.ts";

/** Whose request it is, as far as policies care. */
export type Asking = {
  exchange: Exchange;
  headers: IncomingHttpHeaders;
  query: Query;
  caller: { actor: Actor | null };
};

export type Asked = {
  level: "account" | "container" | "object";
  method: string;
  /** Of that level. */
  object?: string | undefined;
  versionId?: string | undefined;
  /** Of a listing; the query's unless said. */
  prefix?: string;
};

/** Does an explicit Deny of the container's policy forbid it? */
export async function isDenied(asking: Asking, container: Container, asked: Asked): Promise<boolean> {
  const policy = policyOf(container.settings.policy);
  if (policy === undefined) return false;
  const { exchange, headers, query, caller } = asking;
  const { actor } = caller;
  const bucket = `arn:aws:s3:::${container.globalName ?? container.name}`;
  const resource = asked.level === "object" ? `${bucket}/${asked.object ?? ""}` : bucket;
  const principal =
    actor === null ? null : { projectId: actor.projectId, userId: actor.userId, userName: actor.userName };
  const isVersion = asked.versionId !== undefined;
  const action = { level: asked.level, method: asked.method, isVersion, ofVersions: query["versions"] !== undefined };
  const tags = await tagsOf(exchange, container, asked);
  const values = valuesOf(asking, asked, tags);
  return s3Actions(action, headers).some(
    (one) => evaluatePolicy(policy, { principal, action: one, resource, values }) === "deny",
  );
}

/** Of the object that is there, where the policy asks. */
async function tagsOf(
  { store }: Exchange,
  container: Container,
  { object, versionId }: Asked,
): Promise<{ [name: string]: string } | undefined> {
  const { policy } = container.settings;
  if (object === undefined || typeof policy !== "string" || !/existingobjecttag/i.test(policy)) return undefined;
  return (await store.namespace.findObject(container, object, versionId))?.details.tags;
}

function valuesOf(
  { exchange, headers, query, caller }: Asking,
  { prefix, versionId }: Asked,
  tags: { [name: string]: string } | undefined,
): ConditionValues {
  const { path } = query;
  const own: { [key: string]: string | undefined } = {
    "s3:prefix": prefix ?? query["prefix"] ?? (path === undefined ? undefined : `${path}/`),
    "s3:delimiter": query["delimiter"],
    "s3:max-keys": query["limit"],
    "s3:versionid": versionId,
  };
  return (key) => {
    const common = commonValue(key, exchange, caller.actor);
    if (common !== "unknown") return common;
    if (key.startsWith("s3:existingobjecttag/")) return listOf(tagOf(tags, key.slice("s3:existingobjecttag/".length)));
    // a header that Swift does not know is not heeded, but a policy may ask for it all the same
    if (key.startsWith("s3:x-amz-")) return listOf([headers[key.slice(3)]].flat()[0]);
    return Object.hasOwn(own, key) ? listOf(own[key]) : undefined;
  };
}
