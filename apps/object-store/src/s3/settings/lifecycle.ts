/** `LifecycleConfiguration`: what ends by itself. Acted upon by maintenance; here it is read, checked and shown. */
import type { LifecycleRule } from "../../namespace/container.model.ts";
import { s3Error } from "../errors.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";
import { parseTagElements, tagsXml } from "./tags.ts";

const MAX_RULES = 1000;

function days(text: string, most = 2 ** 31 - 1): number {
  const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0;
  if (value < 1 || value > most) throw s3Error("InvalidArgument", "'Days' must be a positive integer");
  return value;
}

function sizeOf(text: string): number {
  if (!/^\d{1,15}$/.test(text.trim())) throw s3Error("InvalidArgument", "An object size must be a positive integer");
  return Number(text);
}

/** In a `Filter`, or in the `And` inside one. */
function parseFilter(element: XmlElement): LifecycleRule["filter"] {
  const and = child(element, "And");
  const from = and ?? element;
  const filter: LifecycleRule["filter"] = {};
  const prefix = childText(from, "Prefix");
  const over = childText(from, "ObjectSizeGreaterThan");
  const under = childText(from, "ObjectSizeLessThan");
  if (prefix !== undefined && prefix !== "") filter.prefix = prefix;
  const tags = parseTagElements(from);
  if (Object.keys(tags).length > 0) filter.tags = tags;
  if (over !== undefined) filter.sizeOver = sizeOf(over);
  if (under !== undefined) filter.sizeUnder = sizeOf(under);
  if (and === undefined && element.children.length > 1) throw s3Error("MalformedXML");
  return filter;
}

function parseRule(element: XmlElement, at: number): LifecycleRule {
  const status = childText(element, "Status");
  if (status !== "Enabled" && status !== "Disabled") throw s3Error("MalformedXML");
  const filterElement = child(element, "Filter");
  const prefix = childText(element, "Prefix");
  if (filterElement !== undefined && prefix !== undefined) throw s3Error("MalformedXML");
  if (child(element, "Transition") !== undefined || child(element, "NoncurrentVersionTransition") !== undefined)
    throw s3Error("NotImplemented", "There is one storage class: nothing can be moved to another");
  const rule: LifecycleRule = {
    id: childText(element, "ID")?.trim() || `rule-${at + 1}`,
    enabled: status === "Enabled",
    filter: filterElement === undefined ? (prefix ? { prefix } : {}) : parseFilter(filterElement),
  };
  if (filterElement === undefined && prefix !== undefined) rule.isOldForm = true;
  if (rule.id.length > 255) throw s3Error("InvalidArgument", "ID length should not exceed allowed limit of 255");
  const before = Object.keys(rule).length;
  addExpiration(rule, child(element, "Expiration"));
  addNoncurrent(rule, child(element, "NoncurrentVersionExpiration"));
  addAbort(rule, child(element, "AbortIncompleteMultipartUpload"));
  if (Object.keys(rule).length === before)
    throw s3Error("InvalidRequest", "At least one action needs to be specified in a rule");
  return rule;
}

function addExpiration(rule: LifecycleRule, element: XmlElement | undefined): void {
  if (element === undefined) return;
  if (element.children.length !== 1) throw s3Error("MalformedXML");
  const date = childText(element, "Date");
  const text = childText(element, "Days");
  const marker = childText(element, "ExpiredObjectDeleteMarker");
  if (text !== undefined) rule.expirationDays = days(text);
  else if (date !== undefined) rule.expirationDate = midnight(date);
  else if (marker === "true" || marker === "false") rule.expiredDeleteMarker = marker === "true";
  else throw s3Error("MalformedXML");
}

function addAbort(rule: LifecycleRule, element: XmlElement | undefined): void {
  if (element === undefined) return;
  rule.abortUploadDays = days(childText(element, "DaysAfterInitiation") ?? "");
  if (rule.filter.tags !== undefined)
    throw s3Error("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags");
}

function midnight(text: string): string {
  const time = /^\d{4}-\d\d-\d\d(T|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || time % 86_400_000 !== 0) throw s3Error("InvalidArgument", "'Date' must be at midnight GMT");
  return new Date(time).toISOString();
}

function addNoncurrent(rule: LifecycleRule, element: XmlElement | undefined): void {
  if (element === undefined) return;
  rule.noncurrentDays = days(childText(element, "NoncurrentDays") ?? "");
  const kept = childText(element, "NewerNoncurrentVersions");
  if (kept !== undefined) rule.noncurrentKept = days(kept, 100);
}

export function parseLifecycle(root: XmlElement): LifecycleRule[] {
  const elements = childrenOf(root, "Rule");
  if (elements.length === 0 || elements.length > MAX_RULES) throw s3Error("MalformedXML");
  const rules = elements.map(parseRule);
  if (new Set(rules.map((rule) => rule.id)).size !== rules.length)
    throw s3Error("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule");
  return rules;
}

function filterXml({ prefix, tags, sizeOver, sizeUnder }: LifecycleRule["filter"]): string {
  const inner =
    tag("Prefix", prefix) +
    tagsXml(tags ?? {}) +
    tag("ObjectSizeGreaterThan", sizeOver) +
    tag("ObjectSizeLessThan", sizeUnder);
  const count =
    [prefix, sizeOver, sizeUnder].filter((each) => each !== undefined).length + Object.keys(tags ?? {}).length;
  if (count === 0) return wrap("Filter", tag("Prefix", ""));
  return wrap("Filter", count > 1 ? wrap("And", inner) : inner);
}

function ruleXml(rule: LifecycleRule): string {
  const expiration =
    tag("Days", rule.expirationDays) +
    tag("Date", rule.expirationDate) +
    tag("ExpiredObjectDeleteMarker", rule.expiredDeleteMarker);
  const noncurrent = tag("NoncurrentDays", rule.noncurrentDays) + tag("NewerNoncurrentVersions", rule.noncurrentKept);
  const abort = tag("DaysAfterInitiation", rule.abortUploadDays);
  return wrap(
    "Rule",
    tag("ID", rule.id) +
      (rule.isOldForm === true ? tag("Prefix", rule.filter.prefix ?? "") : filterXml(rule.filter)) +
      tag("Status", rule.enabled ? "Enabled" : "Disabled") +
      (expiration === "" ? "" : wrap("Expiration", expiration)) +
      (noncurrent === "" ? "" : wrap("NoncurrentVersionExpiration", noncurrent)) +
      (abort === "" ? "" : wrap("AbortIncompleteMultipartUpload", abort)),
  );
}

export const lifecycleDocument = (rules: readonly LifecycleRule[]): string =>
  xmlDocument("LifecycleConfiguration", rules.map(ruleXml).join(""));
