/** The small documents of a bucket: versioning, public access, ownership, logging, tags. Pure. */
import type { ContainerSettings } from "../../namespace/container.model.ts";
import { s3Error } from "../errors.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

type PublicAccessBlock = NonNullable<ContainerSettings["publicAccessBlock"]>;
type Ownership = NonNullable<ContainerSettings["ownership"]>;
type Logging = NonNullable<ContainerSettings["logging"]>;

export function parseVersioning(root: XmlElement): "enabled" | "suspended" {
  if (childText(root, "MfaDelete") === "Enabled")
    throw s3Error("NotImplemented", "Deletion by multi-factor authentication is not implemented");
  const status = childText(root, "Status");
  if (status === "Enabled") return "enabled";
  if (status === "Suspended") return "suspended";
  throw s3Error("IllegalVersioningConfigurationException");
}

export const versioningDocument = (versioning: ContainerSettings["versioning"]): string =>
  xmlDocument(
    "VersioningConfiguration",
    versioning === undefined ? "" : tag("Status", versioning === "enabled" ? "Enabled" : "Suspended"),
  );

const BLOCKS = [
  ["BlockPublicAcls", "blockPublicAcls"],
  ["IgnorePublicAcls", "ignorePublicAcls"],
  ["BlockPublicPolicy", "blockPublicPolicy"],
  ["RestrictPublicBuckets", "restrictPublicBuckets"],
] as const;

export function parsePublicAccessBlock(root: XmlElement): PublicAccessBlock {
  const block: PublicAccessBlock = {
    blockPublicAcls: false,
    ignorePublicAcls: false,
    blockPublicPolicy: false,
    restrictPublicBuckets: false,
  };
  for (const [element, member] of BLOCKS) {
    const text = childText(root, element)?.toLowerCase();
    if (text !== undefined && text !== "true" && text !== "false") throw s3Error("MalformedXML");
    block[member] = text === "true";
  }
  return block;
}

export const publicAccessBlockDocument = (block: PublicAccessBlock): string =>
  xmlDocument(
    "PublicAccessBlockConfiguration",
    BLOCKS.map(([element, member]) => tag(element, block[member])).join(""),
  );

const OWNERSHIPS: readonly Ownership[] = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];

export function checkOwnership(text: string | undefined): Ownership {
  const found = OWNERSHIPS.find((each) => each === text);
  if (found === undefined) throw s3Error("InvalidArgument", "Invalid x-amz-object-ownership header");
  return found;
}

export function parseOwnership(root: XmlElement): Ownership {
  const [rule, ...more] = childrenOf(root, "Rule");
  const found = OWNERSHIPS.find((each) => rule !== undefined && each === childText(rule, "ObjectOwnership"));
  if (found === undefined || more.length > 0) throw s3Error("MalformedXML");
  return found;
}

export const ownershipDocument = (ownership: Ownership): string =>
  xmlDocument("OwnershipControls", wrap("Rule", tag("ObjectOwnership", ownership)));

/** null: logging is off. */
export function parseLogging(root: XmlElement): Logging | null {
  const enabled = child(root, "LoggingEnabled");
  if (enabled === undefined) return null;
  const target = childText(enabled, "TargetBucket");
  if (target === undefined || target === "") throw s3Error("MalformedXML");
  return { target, prefix: childText(enabled, "TargetPrefix") ?? "" };
}

export const loggingDocument = (logging: Logging | undefined): string =>
  xmlDocument(
    "BucketLoggingStatus",
    logging === undefined
      ? ""
      : wrap("LoggingEnabled", tag("TargetBucket", logging.target) + tag("TargetPrefix", logging.prefix)),
  );
