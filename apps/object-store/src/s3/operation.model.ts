/** What server access logs call S3's operations: `REST.<method>.<resource>`, resources by Amazon's names. Pure. */

/** Names that the subresource itself does not give. */
const BUCKET_RESOURCES: { [subresource: string]: string } = {
  "": "BUCKET",
  delete: "MULTI_OBJECT_DELETE",
  versions: "BUCKETVERSIONS",
  policy: "BUCKETPOLICY",
  policyStatus: "POLICY_STATUS",
  publicAccessBlock: "PUBLIC_ACCESS_BLOCK",
  ownershipControls: "OWNERSHIP_CONTROLS",
  "object-lock": "OBJECT_LOCK_CONFIGURATION",
  logging: "LOGGING_STATUS",
  requestPayment: "REQUEST_PAYMENT",
};
const OBJECT_RESOURCES: { [subresource: string]: string } = {
  "": "OBJECT",
  tagging: "OBJECT_TAGGING",
  "legal-hold": "OBJECT_LOCK_LEGAL_HOLD",
  retention: "OBJECT_LOCK_RETENTION",
  attributes: "OBJECT_ATTRIBUTES",
  uploadId: "UPLOAD",
};

export type Asked = { method: string; subresource: string | null; isObject: boolean; isCopy: boolean };

export function operationOf({ method, subresource, isObject, isCopy }: Asked): string {
  const name = subresource ?? "";
  if (isObject && method === "PUT") {
    if (name === "") return isCopy ? "REST.COPY.OBJECT" : "REST.PUT.OBJECT";
    if (name === "uploadId") return isCopy ? "REST.COPY.PART" : "REST.PUT.PART";
  }
  // a form to a bucket makes an object
  if (!isObject && method === "POST" && name === "") return "REST.POST.OBJECT";
  const resources = isObject ? OBJECT_RESOURCES : BUCKET_RESOURCES;
  const known = Object.hasOwn(resources, name) ? resources[name] : undefined;
  return `REST.${method}.${known ?? name.replaceAll("-", "_").toUpperCase()}`;
}
