/** S3's access keys are Identity's EC2 credentials. The store never has a secret: only the signing key of a day. */
import { request as plainRequest } from "node:http";
import { Agent, request as tlsRequest } from "node:https";
import { readFileSync } from "node:fs";

import type { Clock } from "@andromede/base/clock";
import { unavailable } from "@andromede/base/errors";
import { isObject, parseJson } from "@andromede/base/json";
import type { Actor } from "@andromede/platform/tokens/actor";
import type { SigningScope } from "@andromede/platform/tokens/signing-key";
import { RecentlyUsed } from "@andromede/platform/tokens/token-cache";
import type { TokenAuthority } from "@andromede/platform/tokens/token-verifier";

export type KnownAccessKey = {
  actor: Actor;
  /** 32 bytes: HMAC key of that scope (AWS Signature Version 4, "Calculate the signature", signing key). */
  signingKey: Buffer;
};

export type AccessKeys = {
  /** null: there is no such key, or whom it was of may not sign in. Asks Identity once a key and day, until something about it is revoked. */
  find(accessKey: string, scope: SigningScope): Promise<KnownAccessKey | null>;
};

const CACHED_KEYS = 4_096;
/** A key that is unknown is not asked for again at once: anybody may try keys. */
const UNKNOWN_MS = 1_000;
const TIMEOUT_MS = 10_000;
/** Our own token, to Identity. */
const OWN_TOKEN_MS = 600_000;

type Opened = { token: string; signingKey: Buffer } | { unknownSinceMs: number };

/** `tokens` both signs our own token to Identity and tells whether what Identity gave is still good. */
export function openAccessKeys(options: {
  identityUrl: string;
  caFile: string | null;
  tokens: Pick<TokenAuthority, "issue" | "verify">;
  clock: Clock;
}): AccessKeys {
  const { tokens, clock } = options;
  const opened = new RecentlyUsed<Opened>(CACHED_KEYS);
  const asking = new Map<string, Promise<Opened>>();
  const identity = createDoor(options);

  const open = (name: string, accessKey: string, scope: SigningScope): Promise<Opened> => {
    const under = asking.get(name);
    if (under !== undefined) return under;
    const asked = identity
      .openSigningKey(accessKey, scope)
      .then((answer) => {
        const entry = answer ?? { unknownSinceMs: clock.now() };
        opened.set(name, entry);
        return entry;
      })
      .finally(() => asking.delete(name));
    asking.set(name, asked);
    return asked;
  };
  const known = (entry: Opened | undefined): KnownAccessKey | null => {
    if (entry === undefined || !("token" in entry)) return null;
    const actor = tokens.verify(entry.token, clock.now());
    return actor === null ? null : { actor, signingKey: entry.signingKey };
  };

  return {
    async find(accessKey, scope) {
      const name = `${accessKey}/${scope.date}/${scope.region}/${scope.service}`;
      const entry = opened.get(name);
      const good = known(entry);
      if (good !== null) return good;
      if (entry !== undefined && "unknownSinceMs" in entry && clock.now() - entry.unknownSinceMs < UNKNOWN_MS)
        return null;
      return known(await open(name, accessKey, scope));
    },
  };
}

type Door = {
  openSigningKey(access: string, scope: SigningScope): Promise<{ token: string; signingKey: Buffer } | null>;
};

function createDoor(options: {
  identityUrl: string;
  caFile: string | null;
  tokens: Pick<TokenAuthority, "issue">;
  clock: Clock;
}): Door {
  const { identityUrl, caFile, tokens, clock } = options;
  const agent = caFile === null ? undefined : new Agent({ keepAlive: true, ca: readFileSync(caFile) });
  const url = new URL(`${identityUrl}/v3/object-store/access-keys`);
  let own = { token: "", untilMs: 0 };
  const ownToken = (): string => {
    if (own.untilMs < clock.now())
      own = { token: issueOwn(tokens, clock.now()), untilMs: clock.now() + OWN_TOKEN_MS / 2 };
    return own.token;
  };
  return {
    async openSigningKey(access, scope) {
      const answer = await post(url, agent, ownToken(), { access, ...scope });
      // gone, disabled, without a role on the project any more: a key that opens nothing
      if (answer.status === 404 || answer.status === 401 || answer.status === 403) return null;
      const body = answer.status === 200 ? parseJson(answer.text, "Identity's answer") : null;
      if (!isObject(body) || typeof body["token"] !== "string" || typeof body["signing_key"] !== "string")
        throw unavailable("Access keys cannot be checked at the moment", {
          cause: `Identity answered ${answer.status}`,
        });
      return { token: body["token"], signingKey: Buffer.from(body["signing_key"], "base64") };
    },
  };
}

/** Identity and the store share the tree of keys: what one signs, the other knows. */
const issueOwn = (tokens: Pick<TokenAuthority, "issue">, nowMs: number): string =>
  tokens.issue({
    methods: ["token"],
    user: { id: "object-store", name: "object-store", domain: { id: "object-store", name: "object-store" } },
    directory: "operator",
    scope: { kind: "system" },
    roles: [{ id: "object-store", name: "admin" }],
    auditIds: [`object-store-${process.pid}-${nowMs}`],
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + OWN_TOKEN_MS,
    asOf: 0,
  });

function post(
  url: URL,
  agent: Agent | undefined,
  token: string,
  body: object,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const away = (cause: unknown): void => reject(unavailable("Access keys cannot be checked at the moment", { cause }));
  const text = JSON.stringify(body);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "x-auth-token": token,
  };
  const options = { method: "POST", headers, timeout: TIMEOUT_MS };
  const request = url.protocol === "https:" ? tlsRequest(url, { ...options, agent }) : plainRequest(url, options);
  request.on("timeout", () => request.destroy(new Error("no answer in time")));
  request.on("error", away);
  request.on("response", (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", away);
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
    );
  });
  request.end(text);
  return promise;
}
