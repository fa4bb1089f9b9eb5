import { forbidden, notFound } from "@andromede/base/errors";
import type { KnownToken } from "@andromede/platform/tokens/token-verifier";

import { isAdmin } from "../../../http/policy.ts";
import { type ApiRequest, type Reply, noContent, ok } from "../../../http/service.ts";
import { catalogOf, readCatalog } from "../catalog/catalog-cache.ts";
import { identityUrl } from "../shared/identity-links.ts";
import { type AuthBody, readAuthRequest } from "./auth-request.ts";
import { revokeToken } from "./revoke-token.ts";
import { toReceiptView } from "./receipt.ts";
import { signIn } from "./sign-in.ts";
import { toTokenView } from "./token.view.ts";

const hasCatalog = (request: Pick<ApiRequest, "query">): boolean => !request.query.has("nocatalog");

/** Built once for each token and door: validating again costs a look-up. */
async function bodyOf(known: KnownToken, request: Pick<ApiRequest, "app" | "baseUrl" | "query">): Promise<string> {
  const offered = hasCatalog(request) ? await readCatalog(request.app) : null;
  const key = `${request.baseUrl} ${offered?.version ?? "nocatalog"}`;
  const kept = known.bodies.get(key);
  if (kept !== undefined) return kept;
  const catalog = offered === null ? null : catalogOf(request.app, offered, request.baseUrl, known.contents);
  const body = JSON.stringify(toTokenView(known.contents, catalog));
  // what was offered before is asked for no more
  if (known.bodies.size >= 8) known.bodies.clear();
  known.bodies.set(key, body);
  return body;
}

const headersFor = (token: string) => ({
  "content-type": "application/json",
  "x-subject-token": token,
  vary: "X-Auth-Token",
});

export async function handleIssueToken(request: ApiRequest<AuthBody>): Promise<Reply> {
  const receipt = request.headers["openstack-auth-receipt"];
  const answer = await signIn(
    request,
    readAuthRequest(request.body),
    typeof receipt === "string" && receipt !== "" ? receipt : undefined,
  );
  if ("receipt" in answer) {
    return {
      status: 401,
      body: toReceiptView(answer.proven, answer.requiredMethods),
      headers: { "openstack-auth-receipt": answer.receipt, vary: "X-Auth-Token" },
    };
  }
  const { token, contents } = answer;
  const catalog = hasCatalog(request)
    ? catalogOf(request.app, await readCatalog(request.app), request.baseUrl, contents)
    : null;
  return { status: 201, body: JSON.stringify(toTokenView(contents, catalog)), headers: headersFor(token) };
}

/** The token asked about: one's own user's, or anybody's for an operator. Operators' tokens do not exist at the customers' door. */
function subjectOf(request: ApiRequest, rule: string): { token: string; known: KnownToken } {
  const token = request.headers["x-subject-token"];
  const known = typeof token === "string" ? request.app.tokens.read(token, request.app.clock.now()) : null;
  if (
    typeof token !== "string" ||
    known === null ||
    (request.plane === "customer" && known.actor.directory === "operator")
  ) {
    throw notFound("Could not find token.");
  }
  if (known.actor.userId !== request.actor.userId && !isAdmin(request.actor, request.plane)) {
    throw forbidden(`You are not authorized to perform the requested action: identity:${rule}.`);
  }
  return { token, known };
}

export async function handleValidateToken(request: ApiRequest): Promise<Reply> {
  const { token, known } = subjectOf(request, "validate_token");
  return { status: 200, body: await bodyOf(known, request), headers: headersFor(token) };
}

export function handleCheckToken(request: ApiRequest): Reply {
  const { token } = subjectOf(request, "check_token");
  return { status: 200, headers: { "x-subject-token": token, vary: "X-Auth-Token" } };
}

export async function handleRevokeToken(request: ApiRequest): Promise<Reply> {
  const { known } = subjectOf(request, "revoke_token");
  await revokeToken(request.app, request.origin, known.contents);
  return noContent();
}

/** The places a system-scoped token could be had for: all of it, or nothing. */
export function handleOwnSystem(request: ApiRequest): Reply {
  return ok({
    system: isAdmin(request.actor, request.plane) ? [{ all: true }] : [],
    links: { self: identityUrl(request.baseUrl, "auth/system") },
  });
}
