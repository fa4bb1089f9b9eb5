/** A bucket itself, and its settings: each is a document that is read, written or taken away. */
import type { ContainerSettings } from "../../namespace/container.model.ts";
import type { ContainerChange } from "../../namespace/namespace.ts";
import { sendEmpty, sendXml } from "../answer.ts";
import { type Grant, headerGrants, isPublicAcl, storedGrants } from "../authorize/acl.model.ts";
import { MAX_POLICY_BYTES, isPublicPolicy, parsePolicy, policyOf } from "../authorize/policy.model.ts";
import { readDocument } from "../body/request-body.ts";
import { findBucket } from "../buckets.ts";
import { type BucketCall, headerIn, originOf } from "../call.ts";
import { type S3Code, hasCode, s3Error } from "../errors.ts";
import { assertAclAllowed } from "../objects/prepare-write.ts";
import { aclDocument, parseAcl } from "../settings/acl.view.ts";
import {
  loggingDocument,
  ownershipDocument,
  parseLogging,
  parseOwnership,
  parsePublicAccessBlock,
  parseVersioning,
  publicAccessBlockDocument,
  versioningDocument,
} from "../settings/bucket-settings.ts";
import { type CorsRule, corsDocument, parseCors } from "../settings/cors.ts";
import { bucketEncryptionDocument, parseBucketEncryption } from "../settings/encryption.ts";
import { lifecycleDocument, parseLifecycle } from "../settings/lifecycle.ts";
import { objectLockDocument, parseObjectLock } from "../settings/object-lock.ts";
import { BUCKET_TAGS, parseTagging, taggingDocument } from "../settings/tags.ts";
import { type Website, parseWebsite, websiteDocument } from "../settings/website.ts";
import { type XmlElement, parseDocument } from "../xml/parse.ts";
import { tag, xmlDocument } from "../xml/write.ts";

const MAX_DOCUMENT_BYTES = 512 * 1024;

type Settings = NonNullable<ContainerChange["settings"]>;

async function change(call: BucketCall, settings: Settings): Promise<void> {
  await call.store.namespace.updateContainer(originOf(call), call.container, { settings });
}

const readXml = async (call: BucketCall, root: string): Promise<XmlElement> => {
  const body = await readDocument(call, MAX_DOCUMENT_BYTES);
  if (body.length === 0) throw s3Error("MissingRequestBodyError");
  return parseDocument(body, root);
};

export async function headBucket(call: BucketCall): Promise<void> {
  sendEmpty(call, 200, { "x-amz-bucket-region": call.store.config.region });
}

/** Uploads that were never completed do not keep a bucket: Amazon aborts them with it. */
export async function deleteBucket(call: BucketCall): Promise<void> {
  const { namespace } = call.store;
  try {
    await namespace.deleteContainer(originOf(call), call.container);
  } catch (error) {
    if (!hasCode(error, "BucketNotEmpty")) throw error;
    if ((await namespace.listVersions(call.container, { limit: 1 })).entries.length > 0) throw error;
    await abortUploads(call);
    await namespace.deleteContainer(originOf(call), call.container);
  }
  sendEmpty(call, 204);
}

async function abortUploads({ store, container, ...call }: BucketCall): Promise<void> {
  const origin = originOf({ store, ...call });
  for (;;) {
    const { entries } = await store.namespace.listUploads(container, { limit: 1000 });
    if (entries.length === 0) return;
    for (const upload of entries) {
      if ("prefix" in upload) continue;
      await store.namespace.abortUpload(origin, container, upload).catch((error: unknown) => {
        // somebody else ended it
        if (!hasCode(error, "NoSuchUpload")) throw error;
      });
    }
  }
}

export async function getLocation(call: BucketCall): Promise<void> {
  const { region } = call.store.config;
  // us-east-1 is an empty constraint, for those who call theirs so
  sendXml(call, xmlDocument("LocationConstraint", region === "us-east-1" ? "" : region));
}

/** GET of what may not be there. */
function getter<Name extends keyof ContainerSettings>(
  name: Name,
  missing: S3Code,
  toDocument: (value: NonNullable<ContainerSettings[Name]>) => string,
): (call: BucketCall) => Promise<void> {
  return async (call) => {
    const value = call.container.settings[name];
    if (value === undefined || value === null) throw s3Error(missing);
    sendXml(call, toDocument(value));
  };
}

/** PUT of a document. */
function setter(
  root: string,
  toSettings: (element: XmlElement, call: BucketCall) => Settings | Promise<Settings>,
): (call: BucketCall) => Promise<void> {
  return async (call) => {
    const element = await readXml(call, root);
    await change(call, await toSettings(element, call));
    sendEmpty(call, 200);
  };
}

/** DELETE of a document. */
function remover(name: keyof ContainerSettings): (call: BucketCall) => Promise<void> {
  return async (call) => {
    if (call.container.settings[name] !== undefined) await change(call, { [name]: null });
    sendEmpty(call, 204);
  };
}

export const getCors = getter("cors", "NoSuchCORSConfiguration", (value) => corsDocument(value as CorsRule[]));
export const putCors = setter("CORSConfiguration", (element) => ({ cors: parseCors(element) }));
export const deleteCors = remover("cors");

export const getWebsite = getter("website", "NoSuchWebsiteConfiguration", (value) => websiteDocument(value as Website));
export const putWebsite = setter("WebsiteConfiguration", (element) => ({ website: parseWebsite(element) }));
export const deleteWebsite = remover("website");

export const getTagging = getter("tags", "NoSuchTagSet", taggingDocument);
export const putTagging = async (call: BucketCall): Promise<void> => {
  await change(call, { tags: parseTagging(await readXml(call, "Tagging"), BUCKET_TAGS) });
  sendEmpty(call, 204);
};
export const deleteTagging = remover("tags");

export async function getEncryption(call: BucketCall): Promise<void> {
  // everything is sealed, always: what nobody set is the container's own key
  sendXml(call, bucketEncryptionDocument(call.container.settings.encryption ?? { algorithm: "AES256" }));
}
export const putEncryption = setter("ServerSideEncryptionConfiguration", (element) => ({
  encryption: parseBucketEncryption(element),
}));
export const deleteEncryption = remover("encryption");

export const getPublicAccessBlock = getter(
  "publicAccessBlock",
  "NoSuchPublicAccessBlockConfiguration",
  publicAccessBlockDocument,
);
export const putPublicAccessBlock = setter("PublicAccessBlockConfiguration", (element) => ({
  publicAccessBlock: parsePublicAccessBlock(element),
}));
export const deletePublicAccessBlock = remover("publicAccessBlock");

export const getOwnership = getter("ownership", "OwnershipControlsNotFoundError", ownershipDocument);
export const putOwnership = setter("OwnershipControls", (element, { container }) => {
  const ownership = parseOwnership(element);
  if (ownership === "BucketOwnerEnforced" && isPublicAcl(storedGrants(container.settings.s3Acl)))
    throw s3Error("InvalidBucketAclWithObjectOwnership");
  return { ownership };
});
export const deleteOwnership = remover("ownership");

export async function getVersioning(call: BucketCall): Promise<void> {
  sendXml(call, versioningDocument(call.container.settings.versioning));
}
export const putVersioning = setter("VersioningConfiguration", (element, { container }) => {
  const versioning = parseVersioning(element);
  if (versioning === "suspended" && container.settings.objectLock !== undefined)
    throw s3Error(
      "InvalidBucketState",
      "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    );
  return { versioning };
});

export const getObjectLock = getter("objectLock", "ObjectLockConfigurationNotFoundError", objectLockDocument);
export const putObjectLock = setter("ObjectLockConfiguration", (element, { container }) => {
  const objectLock = parseObjectLock(element);
  if (container.settings.versioning !== "enabled")
    throw s3Error(
      "InvalidBucketState",
      "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
  return { objectLock };
});

export const getLifecycle = getter("lifecycle", "NoSuchLifecycleConfiguration", lifecycleDocument);
export const putLifecycle = setter("LifecycleConfiguration", (element) => ({ lifecycle: parseLifecycle(element) }));
export const deleteLifecycle = remover("lifecycle");

export async function getLogging(call: BucketCall): Promise<void> {
  sendXml(call, loggingDocument(call.container.settings.logging));
}
export const putLogging = setter("BucketLoggingStatus", async (element, call) => {
  const logging = parseLogging(element);
  if (logging === null) return { logging };
  const target = await findBucket(call, logging.target);
  if (target === null || target.projectId !== call.container.projectId) throw s3Error("InvalidTargetBucketForLogging");
  const grants = storedGrants(logging.grants);
  assertAclAllowed(target, grants, undefined);
  // whoever named it, and however: a bucket of the same project
  return { logging: { ...logging, target: target.name } };
});

export async function getPolicy(call: BucketCall): Promise<void> {
  const { policy } = call.container.settings;
  if (typeof policy !== "string") throw s3Error("NoSuchBucketPolicy");
  const body = Buffer.from(policy);
  call.exchange.response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  call.exchange.response.end(body);
}

export async function putPolicy(call: BucketCall): Promise<void> {
  const { container } = call;
  const text = (await readDocument(call, MAX_POLICY_BYTES)).toString();
  // in a JSON text a NUL can only be written as an escape, which stays one
  const policy = parsePolicy(text, container.globalName ?? container.name);
  if (container.settings.publicAccessBlock?.blockPublicPolicy === true && isPublicPolicy(policy))
    throw s3Error("AccessDenied");
  await change(call, { policy: text });
  sendEmpty(call, 204);
}
export const deletePolicy = remover("policy");

/** Of policy and ACL together. */
export async function getPolicyStatus(call: BucketCall): Promise<void> {
  const { settings } = call.container;
  const policy = policyOf(settings.policy);
  const isPublic = (policy !== undefined && isPublicPolicy(policy)) || isPublicAcl(storedGrants(settings.s3Acl));
  sendXml(call, xmlDocument("PolicyStatus", tag("IsPublic", isPublic)));
}

export async function getAcl(call: BucketCall): Promise<void> {
  const { container } = call;
  const grants = container.settings.ownership === "BucketOwnerEnforced" ? null : storedGrants(container.settings.s3Acl);
  sendXml(call, aclDocument(container.projectId, grants));
}

export async function putAcl(call: BucketCall): Promise<void> {
  const { container } = call;
  const grants = await readAcl(call, container.projectId);
  assertAclAllowed(container, grants, headerIn(call, "x-amz-acl"));
  await change(call, { s3Acl: grants });
  sendEmpty(call, 200);
}

/** In headers, or as a document. */
export async function readAcl(call: BucketCall, owner: string): Promise<Grant[] | null> {
  const inHeaders = headerGrants((name) => headerIn(call, name), { own: owner, bucket: call.container.projectId });
  const body = await readDocument(call, MAX_DOCUMENT_BYTES);
  if (inHeaders !== undefined) {
    if (body.length > 0) throw s3Error("InvalidRequest", "An ACL is given by headers or by a document, not by both");
    return inHeaders;
  }
  if (body.length === 0) throw s3Error("MissingSecurityHeader", "Your request was missing a required header");
  return parseAcl(parseDocument(body, "AccessControlPolicy"), owner);
}

/** What nobody pays for but the owner, and nothing is made faster by. */
export async function getRequestPayment(call: BucketCall): Promise<void> {
  sendXml(call, xmlDocument("RequestPaymentConfiguration", tag("Payer", "BucketOwner")));
}
export async function getAccelerate(call: BucketCall): Promise<void> {
  sendXml(call, xmlDocument("AccelerateConfiguration", ""));
}
/** There are none, and none can be set: see `routes.ts`. */
export async function getNotification(call: BucketCall): Promise<void> {
  sendXml(call, xmlDocument("NotificationConfiguration", ""));
}
export async function getReplication(): Promise<void> {
  throw s3Error("ReplicationConfigurationNotFoundError");
}
