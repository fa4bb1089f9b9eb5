/** CORS: the bucket's rules, and what they answer a browser. */
import type { OutgoingHttpHeaders } from "node:http";

import { s3Error } from "../errors.ts";
import { type XmlElement, childText, childrenOf } from "../xml/parse.ts";
import { tag, wrap, xmlDocument } from "../xml/write.ts";

export type CorsRule = {
  id?: string;
  origins: string[];
  methods: string[];
  headers: string[];
  exposed: string[];
  maxAgeSeconds?: number;
};

const METHODS = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);
const MAX_RULES = 100;

const texts = (element: XmlElement, name: string): string[] => childrenOf(element, name).map((each) => each.text);

function parseRule(element: XmlElement): CorsRule {
  const rule: CorsRule = {
    origins: texts(element, "AllowedOrigin"),
    methods: texts(element, "AllowedMethod"),
    headers: texts(element, "AllowedHeader"),
    exposed: texts(element, "ExposeHeader"),
  };
  if (rule.origins.length === 0 || rule.methods.length === 0) throw s3Error("MalformedXML");
  for (const method of rule.methods)
    if (!METHODS.has(method))
      throw s3Error(
        "InvalidRequest",
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method.slice(0, 32)}`,
      );
  for (const text of [...rule.origins, ...rule.headers])
    if (text.split("*").length > 2)
      throw s3Error("InvalidRequest", `"${text.slice(0, 128)}" can not have more than one wildcard.`);
  for (const name of rule.exposed)
    if (!/^[\w-]+$/.test(name)) throw s3Error("InvalidRequest", `ExposeHeader "${name.slice(0, 64)}" is not valid.`);
  const age = childText(element, "MaxAgeSeconds");
  if (age !== undefined) {
    if (!/^\d{1,9}$/.test(age)) throw s3Error("MalformedXML");
    rule.maxAgeSeconds = Number(age);
  }
  const id = childText(element, "ID");
  if (id !== undefined) rule.id = id.slice(0, 255);
  return rule;
}

/** The `CORSConfiguration` document. */
export function parseCors(root: XmlElement): CorsRule[] {
  const rules = childrenOf(root, "CORSRule");
  if (rules.length === 0 || rules.length > MAX_RULES) throw s3Error("MalformedXML");
  return rules.map(parseRule);
}

export const corsDocument = (rules: readonly CorsRule[]): string =>
  xmlDocument(
    "CORSConfiguration",
    rules
      .map((rule) =>
        wrap(
          "CORSRule",
          tag("ID", rule.id) +
            rule.methods.map((each) => tag("AllowedMethod", each)).join("") +
            rule.origins.map((each) => tag("AllowedOrigin", each)).join("") +
            rule.headers.map((each) => tag("AllowedHeader", each)).join("") +
            rule.exposed.map((each) => tag("ExposeHeader", each)).join("") +
            tag("MaxAgeSeconds", rule.maxAgeSeconds),
        ),
      )
      .join(""),
  );

/** One `*` at most stands for any run of characters. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

export type Asked = { origin: string; method: string; headers: readonly string[] };

/** The first rule that allows it all. */
export const findRule = (rules: readonly CorsRule[], asked: Asked): CorsRule | undefined =>
  rules.find(
    (rule) =>
      rule.methods.includes(asked.method) &&
      rule.origins.some((origin) => matches(origin, asked.origin)) &&
      asked.headers.every((name) => rule.headers.some((allowed) => matches(allowed.toLowerCase(), name.toLowerCase()))),
  );

/** What the answer to a preflight, or to the request itself, says to the browser. */
export function corsHeaders(rule: CorsRule, asked: Asked): OutgoingHttpHeaders {
  const isAnybody = rule.origins.includes("*");
  const headers: OutgoingHttpHeaders = {
    "access-control-allow-origin": isAnybody ? "*" : asked.origin,
    "access-control-allow-methods": rule.methods.join(", "),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
  if (!isAnybody) headers["access-control-allow-credentials"] = "true";
  if (asked.headers.length > 0) headers["access-control-allow-headers"] = asked.headers.join(", ");
  if (rule.exposed.length > 0) headers["access-control-expose-headers"] = rule.exposed.join(", ");
  if (rule.maxAgeSeconds !== undefined) headers["access-control-max-age"] = String(rule.maxAgeSeconds);
  return headers;
}
