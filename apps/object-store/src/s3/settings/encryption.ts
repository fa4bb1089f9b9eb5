/** Server-side encryption, as a request asks for it and as answers say it. Everything is sealed: this is about whose key. */
import { createHmac, hash } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http";

import type { ContainerSettings } from "../../namespace/container.model.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";
import { s3Error } from "../errors.ts";
import { isSameSignature } from "../signature/canonical.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

export type Encryption = NonNullable<ObjectDetails["encryption"]>;
type BucketEncryption = NonNullable<ContainerSettings["encryption"]>;
type HeaderOf = (name: string) => string | undefined;

const SSE = "x-amz-server-side-encryption";
const COPY_SOURCE_SSE = "x-amz-copy-source-server-side-encryption";
/** Where the client names no key of its own. */
const DEFAULT_KEY = "default";

export type CustomerKey = { key: Buffer; keyMd5: string; check: string };

/** The key in the headers of SSE-C; null: none. Throws InvalidArgument. */
export function readCustomerKey(header: HeaderOf, prefix = SSE): CustomerKey | null {
  const algorithm = header(`${prefix}-customer-algorithm`);
  const text = header(`${prefix}-customer-key`);
  const keyMd5 = header(`${prefix}-customer-key-md5`);
  if (algorithm === undefined && text === undefined && keyMd5 === undefined) return null;
  if (algorithm === undefined)
    throw s3Error(
      "InvalidArgument",
      "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
    );
  if (algorithm !== "AES256") throw s3Error("InvalidEncryptionAlgorithmError");
  if (text === undefined)
    throw s3Error(
      "InvalidArgument",
      "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
    );
  if (keyMd5 === undefined)
    throw s3Error(
      "InvalidArgument",
      "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
    );
  const key = Buffer.from(text, "base64");
  if (key.length !== 32) throw s3Error("InvalidArgument", "The secret key was invalid for the specified algorithm.");
  if (hash("md5", key, "base64") !== keyMd5)
    throw s3Error("InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.");
  return { key, keyMd5, check: checkOf(key) };
}

export const readCopySourceKey = (header: HeaderOf): CustomerKey | null => readCustomerKey(header, COPY_SOURCE_SSE);

/** One way only: whoever reads the row learns nothing of the key. */
const checkOf = (key: Buffer): string => createHmac("sha256", key).update("andromede sse-c key check").digest("base64");

/** The key that an object is read with. Throws when one is needed and not given, given and not needed, or another one. */
export function keyFor(encryption: Encryption | undefined, given: CustomerKey | null): Buffer | undefined {
  if (encryption?.kind !== "customer") {
    if (given !== null) throw s3Error("InvalidRequest", "The encryption parameters are not applicable to this object.");
    return undefined;
  }
  if (given === null)
    throw s3Error(
      "InvalidRequest",
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  if (!isSameSignature(given.check, encryption.check)) throw s3Error("AccessDenied");
  return given.key;
}

/** What a new object is sealed with, and the customer's key if it is that. */
export function readEncryption(
  header: HeaderOf,
  bucket: BucketEncryption | undefined,
): { encryption: Encryption | undefined; customerKey: Buffer | undefined } {
  const customer = readCustomerKey(header);
  const asked = header(SSE);
  if (customer !== null) {
    if (asked !== undefined)
      throw s3Error(
        "InvalidArgument",
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
      );
    return {
      encryption: { kind: "customer", keyMd5: customer.keyMd5, check: customer.check },
      customerKey: customer.key,
    };
  }
  return { encryption: managedEncryption(header, asked, bucket), customerKey: undefined };
}

function managedEncryption(
  header: HeaderOf,
  asked: string | undefined,
  bucket: BucketEncryption | undefined,
): Encryption | undefined {
  const keyId = header(`${SSE}-aws-kms-key-id`);
  if (keyId !== undefined && asked !== "aws:kms")
    throw s3Error(
      "InvalidArgument",
      "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
    );
  if (asked === undefined)
    return bucket?.algorithm === "aws:kms" ? { kind: "kms", keyId: bucket.keyId ?? DEFAULT_KEY } : undefined;
  if (asked === "AES256") return undefined;
  if (asked !== "aws:kms") throw s3Error("InvalidArgument", "The encryption method specified is not supported");
  return { kind: "kms", keyId: checkKeyId(keyId ?? bucket?.keyId ?? DEFAULT_KEY) };
}

/** A key's name in its project: `alias/x` and `arn:...:key/x` are the key x. */
export function checkKeyId(text: string): string {
  const name = text.startsWith("arn:") || text.startsWith("alias/") ? text.slice(text.lastIndexOf("/") + 1) : text;
  if (!/^[\w.-]{1,128}$/.test(name)) throw s3Error("InvalidArgument", "Invalid KMS key id");
  return name;
}

/** Says in an answer what an object is sealed with. */
export function encryptionHeaders(headers: OutgoingHttpHeaders, encryption: Encryption | undefined): void {
  if (encryption?.kind === "customer") {
    headers[`${SSE}-customer-algorithm`] = "AES256";
    headers[`${SSE}-customer-key-md5`] = encryption.keyMd5;
  } else if (encryption?.kind === "kms") {
    headers[SSE] = "aws:kms";
    headers[`${SSE}-aws-kms-key-id`] = encryption.keyId;
  } else headers[SSE] = "AES256";
}

/** The `ServerSideEncryptionConfiguration` document of a bucket. */
export function parseBucketEncryption(root: XmlElement): BucketEncryption {
  const rules = childrenOf(root, "Rule");
  const [rule] = rules;
  const byDefault = rule === undefined ? undefined : child(rule, "ApplyServerSideEncryptionByDefault");
  if (rules.length !== 1 || byDefault === undefined) throw s3Error("MalformedXML");
  const algorithm = childText(byDefault, "SSEAlgorithm");
  const keyId = childText(byDefault, "KMSMasterKeyID");
  if (algorithm === "AES256") {
    if (keyId !== undefined)
      throw s3Error(
        "InvalidArgument",
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms",
      );
    return { algorithm };
  }
  if (algorithm !== "aws:kms") throw s3Error("MalformedXML");
  return keyId === undefined ? { algorithm } : { algorithm, keyId: checkKeyId(keyId) };
}

export function bucketEncryptionDocument(encryption: BucketEncryption): string {
  const byDefault = tag("SSEAlgorithm", encryption.algorithm) + tag("KMSMasterKeyID", encryption.keyId);
  return xmlDocument(
    "ServerSideEncryptionConfiguration",
    wrap("Rule", wrap("ApplyServerSideEncryptionByDefault", byDefault) + tag("BucketKeyEnabled", false)),
  );
}
