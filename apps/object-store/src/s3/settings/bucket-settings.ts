/** The small documents of a bucket: versioning, public access, ownership, logging, tags. Pure. */
import type { ContainerSettings } from "../../namespace/container.model.ts";
import { s3Error } from "../errors.ts";
import { checkKey } from "../address.ts";
import { storedGrants } from "../authorize/acl.model.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";
import { grantXml, parseGrant } from "./acl.view.ts";

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

/** Room for what is put behind it in keys of 1,024 bytes. */
const MAX_PREFIX_BYTES = 800;

/** null: logging is off. */
export function parseLogging(root: XmlElement): Logging | null {
  const enabled = child(root, "LoggingEnabled");
  if (enabled === undefined) return null;
  const target = childText(enabled, "TargetBucket");
  if (target === undefined || target === "") throw s3Error("MalformedXML");
  const prefix = childText(enabled, "TargetPrefix") ?? "";
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES) throw s3Error("InvalidArgument", "The target prefix is too long");
  checkKey(prefix);
  const partition = parseKeyFormat(child(enabled, "TargetObjectKeyFormat"));
  const grants = childrenOf(child(enabled, "TargetGrants") ?? enabled, "Grant").map(parseGrant);
  return {
    target,
    prefix,
    ...(partition === undefined ? {} : { partition }),
    ...(grants.length === 0 ? {} : { grants }),
  };
}

const PARTITIONS = { EventTime: "eventTime", DeliveryTime: "deliveryTime" } as const;

/** undefined: nothing between prefix and time. */
function parseKeyFormat(format: XmlElement | undefined): Logging["partition"] {
  if (format === undefined) return undefined;
  const partitioned = child(format, "PartitionedPrefix");
  const isSimple = child(format, "SimplePrefix") !== undefined;
  if (isSimple === (partitioned !== undefined)) throw s3Error("MalformedXML");
  if (partitioned === undefined) return undefined;
  const source = childText(partitioned, "PartitionDateSource") ?? "EventTime";
  if (source !== "EventTime" && source !== "DeliveryTime") throw s3Error("MalformedXML");
  return PARTITIONS[source];
}

export const loggingDocument = (logging: Logging | undefined): string =>
  xmlDocument(
    "BucketLoggingStatus",
    logging === undefined
      ? ""
      : wrap(
          "LoggingEnabled",
          tag("TargetBucket", logging.target) +
            tag("TargetPrefix", logging.prefix) +
            (logging.grants === undefined
              ? ""
              : wrap("TargetGrants", (storedGrants(logging.grants) ?? []).map(grantXml).join(""))) +
            (logging.partition === undefined
              ? ""
              : wrap(
                  "TargetObjectKeyFormat",
                  wrap(
                    "PartitionedPrefix",
                    tag("PartitionDateSource", logging.partition === "eventTime" ? "EventTime" : "DeliveryTime"),
                  ),
                )),
        ),
  );
