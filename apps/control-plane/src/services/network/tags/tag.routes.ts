/** Neutron's extension "standard-attr-tag": the same six calls below each resource that has tags. */
import { invalid } from "@andromede/base/errors";

import { type ApiRequest, type Reply, type Route, noContent, ok, route } from "../../../http/service.ts";
import { mutate } from "../common/mutate.ts";
import { requesterOf } from "../common/requester.ts";
import { changeTags, checkTag, readTags, withoutTag } from "./change-tags.ts";
import type { Tagged } from "./tag.model.ts";

const MAX_TAG = 255;

const tagsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["tags"],
  properties: {
    tags: {
      type: "array",
      maxItems: 100,
      uniqueItems: true,
      items: { type: "string", minLength: 1, maxLength: MAX_TAG },
    },
  },
} as const;

function tagOf(request: ApiRequest): string {
  const tag = request.params["tag"] ?? "";
  if (tag === "" || tag.length > MAX_TAG)
    throw invalid(`'${tag}' is not a valid tag: it must have 1 to ${MAX_TAG} characters`);
  return tag;
}

const idOf = (request: ApiRequest): string => request.params["id"] ?? "";

function tagRoutesOf(path: string, table: Tagged): Route[] {
  const all = `/v2.0/${path}/:id/tags`;
  const one = `${all}/:tag`;
  return [
    route({
      method: "GET",
      path: all,
      rule: "get_tags",
      handler: async (request) =>
        ok({ tags: await readTags(request.app.db, table, requesterOf(request), idOf(request)) }),
    }),
    route<{ tags: string[] }>({
      method: "PUT",
      path: all,
      rule: "update_tags",
      body: tagsSchema,
      handler: async (request) =>
        ok({
          tags: await mutate(request, (tx) =>
            changeTags(tx, table, requesterOf(request), idOf(request as ApiRequest), () => request.body.tags),
          ),
        }),
    }),
    route({
      method: "DELETE",
      path: all,
      rule: "delete_tags",
      handler: async (request) => {
        await mutate(request, (tx) => changeTags(tx, table, requesterOf(request), idOf(request), () => []));
        return noContent();
      },
    }),
    route({
      method: "GET",
      path: one,
      rule: "get_tags",
      handler: async (request) => {
        await checkTag(request.app.db, table, requesterOf(request), idOf(request), tagOf(request));
        return noContent();
      },
    }),
    route({
      method: "PUT",
      path: one,
      rule: "update_tags",
      handler: async (request): Promise<Reply> => {
        const tag = tagOf(request);
        await mutate(request, (tx) =>
          changeTags(tx, table, requesterOf(request), idOf(request), (tags) => [...tags, tag]),
        );
        return { status: 201 };
      },
    }),
    route({
      method: "DELETE",
      path: one,
      rule: "delete_tags",
      handler: async (request) => {
        await mutate(request, (tx) =>
          changeTags(tx, table, requesterOf(request), idOf(request), withoutTag(tagOf(request))),
        );
        return noContent();
      },
    }),
  ];
}

export const tagRoutes: Route[] = [
  ...tagRoutesOf("networks", "network"),
  ...tagRoutesOf("subnets", "subnet"),
  ...tagRoutesOf("ports", "port"),
  ...tagRoutesOf("routers", "router"),
  ...tagRoutesOf("floatingips", "floatingip"),
  ...tagRoutesOf("security-groups", "security_group"),
  ...tagRoutesOf("subnetpools", "subnetpool"),
  ...tagRoutesOf("security-group-rules", "security_group_rule"),
  ...tagRoutesOf("trunks", "trunk"),
  ...tagRoutesOf("policies", "qos_policy"),
];
