/**
 * A token's bytes: `a1.<key id>.<contents>.<Ed25519 signature>`. Contents are a JSON array, base64url: a header of
 * well under 1 KiB. Only what verifies is ever parsed, so reading needs no schema; a change of layout is a new prefix.
 */
import { type KeyTree, verifySignature } from "../keys/key-tree.ts";
import { AUTH_METHODS, type NamedRef, type TokenContents, type TokenScope, type TokenTrust } from "./token.model.ts";

const PREFIX = "a1";
/** No token of ours is longer, with the longest names there can be. */
const MAX_CHARS = 15_000;

type WireScope = [] | ["p", string, string, string, string] | ["d", string, string] | ["s"];
type Wire = [
  methods: number,
  operator: 0 | 1,
  user: [string, string, string, string],
  scope: WireScope,
  roles: string[],
  auditIds: string[],
  issuedAtMs: number,
  lifetimeMs: number,
  asOf: number,
  credential?: WireCredential | null,
  trust?: WireTrust | null,
  passwordExpiresAtMs?: number | null,
  credentialId?: string | null,
];
type WireTrust = [
  id: string,
  impersonation: 0 | 1,
  trustorId: string,
  trusteeId: string,
  holderId: string,
  domainId: string,
];
type WireCredential = [id: string, name: string, restricted: 0 | 1, rules?: string[]];

export function encodeToken(keys: Pick<KeyTree, "signer">, contents: TokenContents): string {
  const signer = keys.signer("token");
  const signed = `${PREFIX}.${signer.keyId}.${Buffer.from(JSON.stringify(toWire(contents))).toString("base64url")}`;
  return `${signed}.${signer.sign(Buffer.from(signed)).toString("base64url")}`;
}

/** null: not signed by us. Says nothing of expiry or revocation. */
export function decodeToken(keys: Pick<KeyTree, "verificationKey">, token: string): TokenContents | null {
  if (token.length > MAX_CHARS) return null;
  const parts = token.split(".");
  const [prefix, keyId, body, signature] = parts;
  if (parts.length !== 4 || prefix !== PREFIX || keyId === undefined || body === undefined || signature === undefined)
    return null;
  const key = keys.verificationKey("token", keyId);
  const signatureBytes = Buffer.from(signature, "base64url");
  // one spelling only: a token that decodes the same but is written otherwise would be a second token
  if (key === null || signatureBytes.toString("base64url") !== signature) return null;
  if (!verifySignature(key, Buffer.from(`${prefix}.${keyId}.${body}`), signatureBytes)) return null;
  return fromWire(JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Wire);
}

function toWire(contents: TokenContents): Wire {
  const { user, applicationCredential, trust } = contents;
  const wire: Wire = [
    AUTH_METHODS.reduce<number>(
      (bits, method, index) => (contents.methods.includes(method) ? bits | (1 << index) : bits),
      0,
    ),
    contents.directory === "operator" ? 1 : 0,
    [user.id, user.name, user.domain.id, user.domain.name],
    toWireScope(contents.scope),
    contents.roles.flatMap((role) => [role.id, role.name]),
    contents.auditIds,
    contents.issuedAtMs,
    contents.expiresAtMs - contents.issuedAtMs,
    contents.asOf,
  ];
  const rare: (WireCredential | WireTrust | number | string | null)[] = [
    applicationCredential === undefined ? null : toWireCredential(applicationCredential),
    trust === undefined ? null : toWireTrust(trust),
    contents.passwordExpiresAtMs ?? null,
    contents.credentialId ?? null,
  ];
  // most tokens have none of these
  while (rare.length > 0 && rare.at(-1) === null) rare.pop();
  return [...wire, ...rare] as unknown as Wire;
}

const toWireTrust = (trust: TokenTrust): WireTrust => [
  trust.id,
  trust.impersonation ? 1 : 0,
  trust.trustorId,
  trust.trusteeId,
  trust.holderId,
  trust.otherDomainId,
];

const fromWireTrust = ([id, impersonation, trustorId, trusteeId, holderId, otherDomainId]: WireTrust): TokenTrust => ({
  id,
  impersonation: impersonation === 1,
  trustorId,
  trusteeId,
  holderId,
  otherDomainId,
});

function toWireCredential(credential: NonNullable<TokenContents["applicationCredential"]>): WireCredential {
  const wire: WireCredential = [credential.id, credential.name, credential.restricted ? 1 : 0];
  const rules = credential.accessRules?.flatMap((rule) => [rule.id, rule.service, rule.path, rule.method]);
  if (rules !== undefined) wire.push(rules);
  return wire;
}

function fromWireCredential(wire: WireCredential): NonNullable<TokenContents["applicationCredential"]> {
  const [id, name, restricted, rules] = wire;
  return {
    id,
    name,
    restricted: restricted === 1,
    ...(rules === undefined
      ? {}
      : {
          accessRules: quads(rules).map(([ruleId, service, path, method]) => ({ id: ruleId, service, path, method })),
        }),
  };
}

function toWireScope(scope: TokenScope): WireScope {
  switch (scope.kind) {
    case "unscoped":
      return [];
    case "project":
      return ["p", scope.project.id, scope.project.name, scope.project.domain.id, scope.project.domain.name];
    case "domain":
      return ["d", scope.domain.id, scope.domain.name];
    case "system":
      return ["s"];
  }
}

function fromWire(wire: Wire): TokenContents {
  const [
    methods,
    operator,
    user,
    scope,
    roles,
    auditIds,
    issuedAtMs,
    lifetimeMs,
    asOf,
    credential,
    trust,
    passwordEnd,
    credentialId,
  ] = wire;
  return {
    methods: AUTH_METHODS.filter((_, index) => (methods & (1 << index)) !== 0),
    directory: operator === 1 ? "operator" : "customer",
    user: { id: user[0], name: user[1], domain: { id: user[2], name: user[3] } },
    scope: fromWireScope(scope),
    roles: pairs(roles),
    auditIds,
    issuedAtMs,
    expiresAtMs: issuedAtMs + lifetimeMs,
    asOf,
    ...(credential === undefined || credential === null
      ? {}
      : { applicationCredential: fromWireCredential(credential) }),
    ...(typeof passwordEnd === "number" ? { passwordExpiresAtMs: passwordEnd } : {}),
    ...(trust === undefined || trust === null ? {} : { trust: fromWireTrust(trust) }),
    ...(typeof credentialId === "string" ? { credentialId } : {}),
  };
}

function fromWireScope(scope: WireScope): TokenScope {
  switch (scope[0]) {
    case undefined:
      return { kind: "unscoped" };
    case "p":
      return { kind: "project", project: { id: scope[1], name: scope[2], domain: { id: scope[3], name: scope[4] } } };
    case "d":
      return { kind: "domain", domain: { id: scope[1], name: scope[2] } };
    case "s":
      return { kind: "system" };
  }
}

function pairs(flat: string[]): NamedRef[] {
  const made: NamedRef[] = [];
  for (let index = 0; index + 1 < flat.length; index += 2)
    made.push({ id: flat[index] ?? "", name: flat[index + 1] ?? "" });
  return made;
}

function quads(flat: string[]): [string, string, string, string][] {
  const made: [string, string, string, string][] = [];
  for (let index = 0; index + 3 < flat.length; index += 4)
    made.push([flat[index] ?? "", flat[index + 1] ?? "", flat[index + 2] ?? "", flat[index + 3] ?? ""]);
  return made;
}
