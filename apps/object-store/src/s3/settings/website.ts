/** A bucket as a website: its configuration, and what a path of it is answered with. Pure. */
import { s3Error } from "../errors.ts";
import { type XmlElement, child, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

type Redirect = {
  hostName?: string;
  protocol?: "http" | "https";
  replaceKeyPrefixWith?: string;
  replaceKeyWith?: string;
  code?: number;
};
type RoutingRule = { keyPrefix?: string; errorCode?: number; redirect: Redirect };
export type Website = {
  index?: string;
  error?: string;
  redirectAll?: { hostName: string; protocol?: "http" | "https" };
  rules?: RoutingRule[];
};

const MAX_RULES = 50;

function protocolOf(element: XmlElement): "http" | "https" | undefined {
  const text = childText(element, "Protocol");
  if (text !== undefined && text !== "http" && text !== "https")
    throw s3Error(
      "InvalidRequest",
      "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.",
    );
  return text;
}

/** The `WebsiteConfiguration` document. */
export function parseWebsite(root: XmlElement): Website {
  const all = child(root, "RedirectAllRequestsTo");
  const index = child(root, "IndexDocument");
  if (all !== undefined) {
    if (index !== undefined) throw s3Error("MalformedXML");
    return { redirectAll: parseRedirectAll(all) };
  }
  const suffix = index === undefined ? undefined : childText(index, "Suffix");
  if (suffix === undefined)
    throw s3Error(
      "InvalidArgument",
      "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
    );
  if (suffix === "" || suffix.includes("/"))
    throw s3Error("InvalidArgument", "The IndexDocument Suffix is not well formed");
  const website: Website = { index: suffix };
  const error = child(root, "ErrorDocument");
  if (error !== undefined) website.error = parseErrorKey(error);
  const rules = child(root, "RoutingRules");
  if (rules !== undefined) website.rules = parseRules(rules);
  return website;
}

function parseRedirectAll(element: XmlElement): NonNullable<Website["redirectAll"]> {
  const hostName = childText(element, "HostName");
  if (hostName === undefined || hostName === "") throw s3Error("MalformedXML");
  const protocol = protocolOf(element);
  return protocol === undefined ? { hostName } : { hostName, protocol };
}

function parseErrorKey(element: XmlElement): string {
  const key = childText(element, "Key");
  if (key === undefined || key === "") throw s3Error("MalformedXML");
  return key;
}

function parseRules(element: XmlElement): RoutingRule[] {
  const rules = childrenOf(element, "RoutingRule").map(parseRule);
  if (rules.length > MAX_RULES)
    throw s3Error("InvalidRequest", `The number of routing rules is limited to ${MAX_RULES}.`);
  return rules;
}

function codeOf(text: string | undefined, from: number, to: number): number | undefined {
  if (text === undefined) return undefined;
  const code = Number(text);
  if (!Number.isInteger(code) || code < from || code > to)
    throw s3Error("InvalidRequest", `The provided HTTP code (${text.slice(0, 8)}) is not valid.`);
  return code;
}

function parseRule(element: XmlElement): RoutingRule {
  const redirect = child(element, "Redirect");
  if (redirect === undefined) throw s3Error("MalformedXML");
  const condition = child(element, "Condition");
  const keyPrefix = condition === undefined ? undefined : childText(condition, "KeyPrefixEquals");
  const errorCode =
    condition === undefined ? undefined : codeOf(childText(condition, "HttpErrorCodeReturnedEquals"), 400, 599);
  if (condition !== undefined && keyPrefix === undefined && errorCode === undefined)
    throw s3Error(
      "InvalidRequest",
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    );
  const rule: RoutingRule = { redirect: parseRedirect(redirect) };
  if (keyPrefix !== undefined) rule.keyPrefix = keyPrefix;
  if (errorCode !== undefined) rule.errorCode = errorCode;
  return rule;
}

function parseRedirect(element: XmlElement): Redirect {
  const result: Redirect = {};
  const hostName = childText(element, "HostName");
  const protocol = protocolOf(element);
  const prefix = childText(element, "ReplaceKeyPrefixWith");
  const key = childText(element, "ReplaceKeyWith");
  const code = codeOf(childText(element, "HttpRedirectCode"), 301, 399);
  if (prefix !== undefined && key !== undefined)
    throw s3Error("InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
  if (hostName !== undefined) result.hostName = hostName;
  if (protocol !== undefined) result.protocol = protocol;
  if (prefix !== undefined) result.replaceKeyPrefixWith = prefix;
  if (key !== undefined) result.replaceKeyWith = key;
  if (code !== undefined) result.code = code;
  return result;
}

export function websiteDocument(website: Website): string {
  const { redirectAll, index, error, rules } = website;
  const all =
    redirectAll === undefined
      ? ""
      : wrap("RedirectAllRequestsTo", tag("HostName", redirectAll.hostName) + tag("Protocol", redirectAll.protocol));
  const routing = rules === undefined ? "" : wrap("RoutingRules", rules.map(ruleXml).join(""));
  return xmlDocument(
    "WebsiteConfiguration",
    all +
      (index === undefined ? "" : wrap("IndexDocument", tag("Suffix", index))) +
      (error === undefined ? "" : wrap("ErrorDocument", tag("Key", error))) +
      routing,
  );
}

function ruleXml({ keyPrefix, errorCode, redirect }: RoutingRule): string {
  const condition = tag("KeyPrefixEquals", keyPrefix) + tag("HttpErrorCodeReturnedEquals", errorCode);
  const to =
    tag("Protocol", redirect.protocol) +
    tag("HostName", redirect.hostName) +
    tag("ReplaceKeyPrefixWith", redirect.replaceKeyPrefixWith) +
    tag("ReplaceKeyWith", redirect.replaceKeyWith) +
    tag("HttpRedirectCode", redirect.code);
  return wrap("RoutingRule", (condition === "" ? "" : wrap("Condition", condition)) + wrap("Redirect", to));
}

export type Place = { protocol: "http" | "https"; host: string };

const encodeKey = (key: string): string => encodeURIComponent(key).replaceAll("%2F", "/");

/** Where everything goes, if it does. */
export function redirectAll({ redirectAll: all }: Website, key: string, place: Place): string | null {
  return all === undefined ? null : `${all.protocol ?? place.protocol}://${all.hostName}/${encodeKey(key)}`;
}

/** The redirect for a key, before it is looked for (`errorCode` null) or after it failed. */
export function findRedirect(
  website: Website,
  key: string,
  errorCode: number | null,
  place: Place,
): { location: string; code: number } | null {
  const rule = website.rules?.find(
    (each) =>
      (each.keyPrefix === undefined || key.startsWith(each.keyPrefix)) && (each.errorCode ?? null) === errorCode,
  );
  if (rule === undefined) return null;
  const { redirect } = rule;
  let target = key;
  if (redirect.replaceKeyWith !== undefined) target = redirect.replaceKeyWith;
  else if (redirect.replaceKeyPrefixWith !== undefined)
    target = redirect.replaceKeyPrefixWith + key.slice((rule.keyPrefix ?? "").length);
  const location = `${redirect.protocol ?? place.protocol}://${redirect.hostName ?? place.host}/${encodeKey(target)}`;
  return { location, code: redirect.code ?? 301 };
}

/** The object a path of a website stands for: a directory is its index. */
export const indexKey = ({ index = "index.html" }: Website, key: string): string =>
  key === "" || key.endsWith("/") ? key + index : key;
