/** What S3 can be asked for: level, method and what the query names -> operation. */
import {
  deleteCors,
  deleteEncryption,
  deleteLifecycle,
  deleteOwnership,
  deletePolicy,
  deletePublicAccessBlock,
  deleteBucket,
  deleteTagging,
  deleteWebsite,
  getAccelerate,
  getAcl,
  getCors,
  getEncryption,
  getLifecycle,
  getLocation,
  getLogging,
  getNotification,
  getObjectLock,
  getOwnership,
  getPolicy,
  getPolicyStatus,
  getPublicAccessBlock,
  getReplication,
  getRequestPayment,
  getTagging,
  getVersioning,
  getWebsite,
  headBucket,
  putAcl,
  putCors,
  putEncryption,
  putLifecycle,
  putLogging,
  putObjectLock,
  putOwnership,
  putPolicy,
  putPublicAccessBlock,
  putTagging,
  putVersioning,
  putWebsite,
} from "./buckets/bucket.handlers.ts";
import type { Action } from "./authorize/decide.ts";
import type { BucketCall, ObjectCall } from "./call.ts";
import { postObject } from "./forms/post-object.ts";
import { listObjectsV2, listVersions } from "./listings/listings.handlers.ts";
import { deleteObject, deleteObjects } from "./objects/delete-objects.ts";
import {
  deleteObjectTagging,
  getLegalHold,
  getObjectAcl,
  getObjectAttributes,
  getObjectTagging,
  getRetention,
  putLegalHold,
  putObjectAcl,
  putObjectTagging,
  putRetention,
} from "./objects/object.handlers.ts";
import { putObject } from "./objects/put-object.ts";
import { readObject } from "./objects/read-object.ts";
import { completeUpload } from "./uploads/complete-upload.ts";
import { putPart } from "./uploads/put-part.ts";
import { abortUpload, createUpload, listParts, listUploads } from "./uploads/uploads.handlers.ts";

/** `action` null: the operation asks for itself, of each object. */
export type BucketRoute = { action: Action | null; run: (call: BucketCall) => Promise<void> };
export type ObjectRoute = (call: ObjectCall) => Promise<void>;

const ask = (action: Action, run: BucketRoute["run"]): BucketRoute => ({ action, run });
const itself = (run: BucketRoute["run"]): BucketRoute => ({ action: null, run });

export const BUCKET_ROUTES: { [route: string]: BucketRoute } = {
  GET: itself(listObjectsV2),
  HEAD: ask("s3:ListBucket", headBucket),
  DELETE: ask("s3:DeleteBucket", deleteBucket),
  POST: itself(postObject),
  "POST delete": itself(deleteObjects),
  "GET versions": itself(listVersions),
  "GET uploads": itself(listUploads),
  "GET location": ask("s3:GetBucketLocation", getLocation),
  "GET acl": ask("s3:GetBucketAcl", getAcl),
  "PUT acl": ask("s3:PutBucketAcl", putAcl),
  "GET policy": ask("s3:GetBucketPolicy", getPolicy),
  "PUT policy": ask("s3:PutBucketPolicy", putPolicy),
  "DELETE policy": ask("s3:DeleteBucketPolicy", deletePolicy),
  "GET policyStatus": ask("s3:GetBucketPolicyStatus", getPolicyStatus),
  "GET cors": ask("s3:GetBucketCORS", getCors),
  "PUT cors": ask("s3:PutBucketCORS", putCors),
  "DELETE cors": ask("s3:PutBucketCORS", deleteCors),
  "GET website": ask("s3:GetBucketWebsite", getWebsite),
  "PUT website": ask("s3:PutBucketWebsite", putWebsite),
  "DELETE website": ask("s3:DeleteBucketWebsite", deleteWebsite),
  "GET tagging": ask("s3:GetBucketTagging", getTagging),
  "PUT tagging": ask("s3:PutBucketTagging", putTagging),
  "DELETE tagging": ask("s3:PutBucketTagging", deleteTagging),
  "GET encryption": ask("s3:GetEncryptionConfiguration", getEncryption),
  "PUT encryption": ask("s3:PutEncryptionConfiguration", putEncryption),
  "DELETE encryption": ask("s3:PutEncryptionConfiguration", deleteEncryption),
  "GET publicAccessBlock": ask("s3:GetBucketPublicAccessBlock", getPublicAccessBlock),
  "PUT publicAccessBlock": ask("s3:PutBucketPublicAccessBlock", putPublicAccessBlock),
  "DELETE publicAccessBlock": ask("s3:PutBucketPublicAccessBlock", deletePublicAccessBlock),
  "GET ownershipControls": ask("s3:GetBucketOwnershipControls", getOwnership),
  "PUT ownershipControls": ask("s3:PutBucketOwnershipControls", putOwnership),
  "DELETE ownershipControls": ask("s3:PutBucketOwnershipControls", deleteOwnership),
  "GET versioning": ask("s3:GetBucketVersioning", getVersioning),
  "PUT versioning": ask("s3:PutBucketVersioning", putVersioning),
  "GET object-lock": ask("s3:GetBucketObjectLockConfiguration", getObjectLock),
  "PUT object-lock": ask("s3:PutBucketObjectLockConfiguration", putObjectLock),
  "GET lifecycle": ask("s3:GetLifecycleConfiguration", getLifecycle),
  "PUT lifecycle": ask("s3:PutLifecycleConfiguration", putLifecycle),
  "DELETE lifecycle": ask("s3:PutLifecycleConfiguration", deleteLifecycle),
  "GET logging": ask("s3:GetBucketLogging", getLogging),
  "PUT logging": ask("s3:PutBucketLogging", putLogging),
  "GET requestPayment": ask("s3:GetBucketRequestPayment", getRequestPayment),
  "GET accelerate": ask("s3:GetAccelerateConfiguration", getAccelerate),
  "GET notification": ask("s3:GetBucketNotification", getNotification),
  "GET replication": ask("s3:GetReplicationConfiguration", getReplication),
};

export const OBJECT_ROUTES: { [route: string]: ObjectRoute } = {
  GET: readObject,
  HEAD: readObject,
  PUT: putObject,
  DELETE: deleteObject,
  "GET acl": getObjectAcl,
  "PUT acl": putObjectAcl,
  "GET tagging": getObjectTagging,
  "PUT tagging": putObjectTagging,
  "DELETE tagging": deleteObjectTagging,
  "GET retention": getRetention,
  "PUT retention": putRetention,
  "GET legal-hold": getLegalHold,
  "PUT legal-hold": putLegalHold,
  "GET attributes": getObjectAttributes,
  "POST uploads": createUpload,
  "PUT uploadId": putPart,
  "POST uploadId": completeUpload,
  "DELETE uploadId": abortUpload,
  "GET uploadId": listParts,
};
