/** CreateBucket. */
import type { ContainerChange } from "../../namespace/namespace.ts";
import { isBucketName } from "../../namespace/names.ts";
import { sendEmpty } from "../answer.ts";
import { headerGrants, isPublicAcl } from "../authorize/acl.model.ts";
import { mayDoAnything, roleAllows } from "../authorize/decide.ts";
import { readDocument } from "../body/request-body.ts";
import { type Call, headerIn, originOf } from "../call.ts";
import { s3Error } from "../errors.ts";
import { logCall } from "../log-call.ts";
import { checkOwnership } from "../settings/bucket-settings.ts";
import { BUCKET_TAGS, parseTagElements } from "../settings/tags.ts";
import { child, childText, parseDocument } from "../xml/parse.ts";

const MAX_DOCUMENT_BYTES = 64 * 1024;

export async function createBucket(call: Call, bucket: string): Promise<void> {
  const { actor } = call.caller;
  if (actor === null) throw s3Error("AccessDenied");
  const { projectId, name } = target(actor.projectId, bucket);
  const isOwn = projectId === actor.projectId && roleAllows(actor, "s3:CreateBucket");
  if (projectId === "" || (!isOwn && !mayDoAnything(actor, call.exchange.door.plane))) throw s3Error("AccessDenied");
  if (!isBucketName(name)) throw s3Error("InvalidBucketName");
  const change = await readChange(call, projectId);
  const { namespace } = call.store;
  // one that is there is left as it is: a second CreateBucket must not change its settings
  const found = await namespace.findContainer(projectId, name);
  if (found !== null) {
    logCall(call, found, null);
    throw s3Error("BucketAlreadyOwnedByYou");
  }
  const options = { globalName: "claim", change } as const;
  const { created } = await namespace.createContainer(originOf(call), projectId, name, options);
  if (!created) throw s3Error("BucketAlreadyOwnedByYou");
  sendEmpty(call, 200, { location: `/${bucket}` });
}

/** `<project id>:<name>` for those who may make buckets elsewhere. */
function target(own: string | null, bucket: string): { projectId: string; name: string } {
  const colon = bucket.indexOf(":");
  return colon < 0
    ? { projectId: own ?? "", name: bucket }
    : { projectId: bucket.slice(0, colon), name: bucket.slice(colon + 1) };
}

async function readChange(call: Call, projectId: string): Promise<ContainerChange> {
  const settings: NonNullable<ContainerChange["settings"]> = {};
  const ownership = headerIn(call, "x-amz-object-ownership");
  if (ownership !== undefined) settings.ownership = checkOwnership(ownership);
  const grants = headerGrants((name) => headerIn(call, name), { own: projectId, bucket: projectId });
  if (grants !== undefined && grants !== null) {
    if (settings.ownership === "BucketOwnerEnforced" && isPublicAcl(grants))
      throw s3Error("InvalidBucketAclWithObjectOwnership");
    settings.s3Acl = grants;
  }
  if (headerIn(call, "x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true") {
    settings.objectLock = {};
    settings.versioning = "enabled";
  }
  const body = await readDocument(call, MAX_DOCUMENT_BYTES);
  if (body.length > 0) {
    const root = parseDocument(body, "CreateBucketConfiguration");
    checkLocation(call, childText(root, "LocationConstraint"));
    const tags = child(root, "Tags");
    if (tags !== undefined) settings.tags = parseTagElements(tags, BUCKET_TAGS);
  }
  return { settings };
}

/** There is one region. Clients that sign for another may say that one: it names nothing here. */
function checkLocation(call: Call, location: string | undefined): void {
  if (location === undefined || location === "" || location === call.store.config.region) return;
  const scope = /Credential=[^,]*\/\d{8}\/([^/]+)\/s3\//.exec(call.headers.authorization ?? "");
  if (scope?.[1] !== location) throw s3Error("InvalidLocationConstraint");
}
