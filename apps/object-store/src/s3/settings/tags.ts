/** Tag sets of objects and buckets: as XML, and as the x-amz-tagging header. */
import { s3Error } from "../errors.ts";
import { queryPairs } from "../query.ts";
import { type XmlElement, child, childrenOf, requiredText } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

export type Tags = { [name: string]: string };

const OBJECT_TAGS = 10;
export const BUCKET_TAGS = 50;

function toTags(pairs: readonly [string, string][], most: number): Tags {
  // Amazon's own code for this is BadRequest, which says no more
  if (pairs.length > most) throw s3Error("InvalidTag", `There cannot be more than ${most} tags`);
  const tags: Tags = {};
  for (const [name, value] of pairs) {
    if (name === "" || name.length > 128) throw s3Error("InvalidTag", "The TagKey you have provided is invalid");
    if (value.length > 256) throw s3Error("InvalidTag", "The TagValue you have provided is invalid");
    if (name.toLowerCase().startsWith("aws:"))
      throw s3Error("InvalidTag", "System tags cannot be added/updated by requester");
    if (Object.hasOwn(tags, name)) throw s3Error("InvalidTag", "Cannot provide multiple Tags with the same key");
    tags[name] = value;
  }
  return tags;
}

/** `a=1&b=2`, percent-encoded. */
export function parseTagHeader(text: string): Tags {
  const pairs = queryPairs(text);
  return toTags(pairs, OBJECT_TAGS);
}

/** The `Tagging` document. */
export function parseTagging(root: XmlElement, most = OBJECT_TAGS): Tags {
  const set = child(root, "TagSet");
  if (root.name !== "Tagging" || set === undefined) throw s3Error("MalformedXML");
  return parseTagElements(set, most);
}

export function parseTagElements(parent: XmlElement, most = OBJECT_TAGS): Tags {
  return toTags(
    childrenOf(parent, "Tag").map((each): [string, string] => [requiredText(each, "Key"), requiredText(each, "Value")]),
    most,
  );
}

export const tagsXml = (tags: Tags): string =>
  Object.entries(tags)
    .map(([name, value]) => wrap("Tag", tag("Key", name) + tag("Value", value)))
    .join("");

export const taggingDocument = (tags: Tags): string => xmlDocument("Tagging", wrap("TagSet", tagsXml(tags)));
