/** POST of an HTML form to a bucket ("Browser-based uploads using POST"). */
import type { IncomingHttpHeaders } from "node:http";

import type { StoredObject } from "../../namespace/object.model.ts";
import { checkKey } from "../address.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { type RequestBody } from "../body/request-body.ts";
import {
  type Algorithm,
  algorithmOfHeader,
  badDigest,
  checkValue,
  checksumValue,
  digestNameOf,
} from "../body/checksums.ts";
import { type BucketCall, type ObjectCall, locationOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { amendCaller } from "../log-call.ts";
import { quoted, writtenHeaders } from "../objects/object-answer.ts";
import { MAX_PUT_BYTES, prepareWrite } from "../objects/prepare-write.ts";
import { write } from "../objects/put-object.ts";
import { parseTagging } from "../settings/tags.ts";
import { findKey, parseCredential } from "../signature/authenticate.ts";
import { isSameSignature, parseTimestamp, signatureOf } from "../signature/canonical.ts";
import { anonymousCaller, type Caller } from "../signature/caller.ts";
import { parseXml } from "../xml/parse.ts";
import { tag, xmlDocument } from "../xml/write.ts";
import { type Form, FormBody, boundaryOf } from "./form-body.ts";
import { checkPostPolicy, parsePostPolicy } from "./post-policy.ts";

export async function postObject(call: BucketCall): Promise<void> {
  const body = new FormBody(boundaryOf(call.headers["content-type"]));
  const source = call.exchange.body();
  source.once("error", (error) => body.destroy(error));
  source.once("close", () => {
    if (!source.readableEnded) body.destroy(s3Error("IncompleteBody"));
  });
  source.pipe(body);
  const form = await body.form;
  form.fields.set("bucket", call.bucket);
  const { caller, limits } = await admit(call, form);
  const key = keyOf(form);
  const object: ObjectCall = { ...call, caller, key };
  amendCaller(call, caller, key);
  const headers = headersOf(form);
  const prepared = prepareWrite(object, headers);
  const request = bodyOf(body, form);
  const stored = await write(object, prepared, request, {
    maxBytes: Math.min(limits.max, MAX_PUT_BYTES),
    check(size) {
      if (size < limits.min) throw s3Error("EntityTooSmall");
    },
  });
  answer(object, form, stored);
}

/** Signed by a policy, or anonymous. */
async function admit(
  call: BucketCall,
  { fields }: Form,
): Promise<{ caller: Caller; limits: { min: number; max: number } }> {
  const none = { min: 0, max: MAX_PUT_BYTES };
  const policyText = fields.get("policy");
  const signature = fields.get("x-amz-signature");
  if (policyText === undefined || signature === undefined) {
    if (policyText !== undefined || signature !== undefined || fields.has("x-amz-credential"))
      throw s3Error(
        "InvalidArgument",
        "Bucket POST must contain a field named 'policy' and one named 'x-amz-signature'",
      );
    return { caller: anonymousCaller({ kind: "unsigned" }), limits: none };
  }
  const nowMs = call.store.clock.now();
  const credential = parseCredential(fields.get("x-amz-credential") ?? "");
  const signedAtMs = parseTimestamp(fields.get("x-amz-date") ?? "");
  if (fields.get("x-amz-algorithm") !== "AWS4-HMAC-SHA256" || credential === null || signedAtMs === null)
    throw s3Error("InvalidArgument", "x-amz-algorithm, x-amz-credential or x-amz-date is missing or wrong");
  const { accessKeys } = call.store;
  const known = await findKey(credential, { accessKeys, door: call.exchange.door, nowMs });
  if (!isSameSignature(signature, signatureOf(known.signingKey, policyText))) throw s3Error("SignatureDoesNotMatch");
  const limits = checkPostPolicy(parsePostPolicy(policyText), fields, nowMs);
  const payload = { kind: "unsigned" } as const;
  return {
    caller: { actor: known.actor, accessKey: credential.accessKey, authType: "POST", signedAtMs, payload },
    limits,
  };
}

function keyOf({ fields, fileName }: Form): string {
  const text = fields.get("key");
  if (text === undefined || text === "")
    throw s3Error(
      "UserKeyMustBeSpecified",
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    );
  const key = text.replaceAll("${filename}", () => fileName);
  checkKey(key);
  if (!key.isWellFormed()) throw s3Error("InvalidURI");
  return key;
}

/** Fields as the headers that they stand for: as bytes, as Node gives headers. */
function headersOf({ fields, fileType }: Form): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of fields) headers[name] = Buffer.from(value).toString("latin1");
  const acl = headers["acl"];
  if (acl !== undefined) headers["x-amz-acl"] = acl;
  if (headers["content-type"] === undefined && fileType !== undefined) headers["content-type"] = fileType;
  const tagging = fields.get("tagging");
  if (tagging !== undefined && tagging !== "") {
    const tags = parseTagging(parseXml(Buffer.from(tagging)));
    headers["x-amz-tagging"] = new URLSearchParams(tags).toString();
  }
  return headers;
}

function bodyOf(stream: FormBody, { fields }: Form): RequestBody {
  const md5 = fields.get("content-md5");
  let algorithm: Algorithm | null = null;
  let value = "";
  for (const [name, text] of fields) {
    const found = algorithmOfHeader(name);
    if (found === null) continue;
    algorithm = found;
    value = checkValue(found, text);
  }
  return {
    stream,
    size: null,
    digests: algorithm === null ? ["md5"] : ["md5", digestNameOf(algorithm)],
    algorithm,
    verify({ digests }) {
      if (md5 !== undefined && digests.md5 !== Buffer.from(md5, "base64").toString("hex")) throw s3Error("BadDigest");
      if (algorithm !== null && checksumValue(algorithm, digests) !== value) throw badDigest(algorithm);
    },
  };
}

function answer(call: ObjectCall, { fields }: Form, object: StoredObject): void {
  const headers = writtenHeaders(call.container, object);
  const location = locationOf(call);
  headers["location"] = location;
  const redirect = redirectOf(fields);
  if (redirect !== null) {
    redirect.searchParams.set("bucket", call.bucket);
    redirect.searchParams.set("key", call.key);
    redirect.searchParams.set("etag", quoted(object.etag));
    call.exchange.response.writeHead(303, { ...headers, location: redirect.href, "content-length": 0 });
    call.exchange.response.end();
    return;
  }
  const status = fields.get("success_action_status");
  if (status === "201") {
    const body =
      tag("Location", location) + tag("Bucket", call.bucket) + tag("Key", call.key) + tag("ETag", quoted(object.etag));
    sendXml(call, xmlDocument("PostResponse", body), 201, headers);
  } else sendEmpty(call, status === "200" ? 200 : 204, headers);
}

/** Where the browser goes on; what is no address is not followed, as S3 does. */
function redirectOf(fields: ReadonlyMap<string, string>): URL | null {
  const text = fields.get("success_action_redirect") ?? fields.get("redirect");
  const url = text === undefined ? null : URL.parse(text);
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url : null;
}
