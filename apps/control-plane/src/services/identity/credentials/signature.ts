/**
 * Is it the signature that the owner of a key pair would make? AWS signatures of version 2 and 4 for requests, and of
 * S3's own two forms over a string that the object store gives. Versions 0 and 1 leave most of a request unsigned and
 * are refused.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

import { deriveSigningKey } from "@andromede/platform/tokens/signing-key";

export type Signed = {
  access?: string;
  signature?: string;
  /** S3: the string that was signed, base64url. */
  token?: string;
  host?: string;
  verb?: string;
  path?: string;
  params?: { [name: string]: string };
  headers?: { [name: string]: string };
  body_hash?: string;
};

const hmac = (key: string | Buffer, text: string | Buffer): Buffer => createHmac("sha256", key).update(text).digest();

function equal(left: string, right: string | undefined): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right ?? "")];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The string's own form says which of the two it is. */
export function isS3Signature(secret: string, signed: Signed): boolean {
  const bytes = Buffer.from(signed.token ?? "", "base64url");
  const text = bytes.toString("utf8");
  if (bytes.length === 0) return false;
  if (!text.startsWith("AWS4"))
    return equal(createHmac("sha1", secret).update(bytes).digest("base64"), signed.signature?.trim());
  const [algorithm, , scope, , ...rest] = text.split("\n");
  const parts = (scope ?? "").split("/");
  if (algorithm !== "AWS4-HMAC-SHA256" || rest.length > 0 || parts.length !== 4) return false;
  if (!["s3", "iam", "sts"].includes(parts[2] ?? "") || parts[3] !== "aws4_request") return false;
  return equal(hmac(deriveSigningKey(secret, parts), bytes).toString("hex"), signed.signature);
}

export function isRequestSignature(secret: string, signed: Signed): boolean {
  // some clients sign the host without its port
  const hosts = [signed.host ?? "", (signed.host ?? "").replace(/:\d+$/, "")];
  return hosts.some((host) => equal(requestSignature(secret, { ...signed, host }) ?? "-", signed.signature));
}

function requestSignature(secret: string, signed: Signed): string | null {
  const { params = {}, headers = {} } = signed;
  if (params["SignatureVersion"] === "2") return version2(secret, signed);
  const isVersion4 =
    headers["Authorization"]?.startsWith("AWS4-HMAC-SHA256") === true ||
    params["X-Amz-Algorithm"] === "AWS4-HMAC-SHA256";
  return isVersion4 ? version4(secret, signed) : null;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const canonicalQuery = (params: { [name: string]: string }): string =>
  Object.keys(params)
    .toSorted()
    .map((name) => `${encode(name)}=${encode(params[name] ?? "")}`)
    .join("&");

function version2(secret: string, { verb, host, path, params = {} }: Signed): string {
  const query = canonicalQuery({ ...params, SignatureMethod: "HmacSHA256" });
  return hmac(secret, `${verb ?? ""}\n${host ?? ""}\n${path ?? ""}\n${query}`).toString("base64");
}

function version4(secret: string, signed: Signed): string | null {
  const { params = {}, headers = {} } = signed;
  const parameter = (name: string): string | undefined => {
    const authorization = headers["Authorization"];
    return authorization === undefined
      ? params[`X-Amz-${name}`]
      : authorization.split(`${name}=`, 2)[1]?.split(",", 1)[0]?.trim();
  };
  const [, ...scope] = (parameter("Credential") ?? "").split("/");
  const names = parameter("SignedHeaders") ?? "";
  const date = headers["X-Amz-Date"] ?? params["X-Amz-Date"];
  if (scope.length !== 4 || date === undefined || !date.startsWith(scope[0] ?? "")) return null;
  const { "X-Amz-Signature": _, ...rest } = params;
  const canonical = [
    (signed.verb ?? "").toUpperCase(),
    signed.path ?? "",
    (signed.verb ?? "").toUpperCase() === "POST" ? "" : canonicalQuery(rest),
    canonicalHeaders(headers, names),
    names,
    signed.body_hash ?? "",
  ].join("\n");
  const digest = createHash("sha256").update(canonical).digest("hex");
  return hmac(deriveSigningKey(secret, scope), ["AWS4-HMAC-SHA256", date, scope.join("/"), digest].join("\n")).toString(
    "hex",
  );
}

function canonicalHeaders(headers: { [name: string]: string }, names: string): string {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase().trim(), value.trim()]));
  const lines = names.split(";").flatMap((name) => (lower.has(name) ? [`${name}:${lower.get(name) ?? ""}`] : []));
  return `${lines.join("\n")}\n`;
}

const COMPACT = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/;
/** Keystone's `[credential] auth_ttl`. */
const MAX_AGE_MS = 900_000;

/** Signed too long ago, or with a time that is none? Who signed no time meant none. */
export function isStale({ params = {}, headers = {} }: Signed, nowMs: number): boolean {
  const text = params["Timestamp"] ?? headers["X-Amz-Date"] ?? params["X-Amz-Date"];
  if (text === undefined || text === "") return false;
  const time = Date.parse(toIso(text));
  return Number.isNaN(time) || nowMs > time + MAX_AGE_MS;
}

/** Amazon's compact form too; without a zone it is UTC. */
function toIso(text: string): string {
  if (COMPACT.test(text)) return text.replace(COMPACT, "$1-$2-$3T$4:$5:$6Z");
  return /(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`;
}
