/**
 * A bucket as a website, under its own host name: `<bucket>.<one of config.s3WebsiteDomains>`, as Ceph's gateway and Amazon do.
 * Whoever comes is anonymous there; what they may read, policies and ACLs say. Errors are pages for people.
 */
import type { CloudError } from "@andromede/base/errors";

import type { StoredObject } from "../../namespace/object.model.ts";
import { checkKey, decodePiece } from "../address.ts";
import { isPermitted } from "../authorize/access.ts";
import type { Call, ObjectCall } from "../call.ts";
import { s3Error, toAnswer } from "../errors.ts";
import { logCall } from "../log-call.ts";
import { answerWith } from "../objects/read-object.ts";
import { type Place, type Website, findRedirect, indexKey, redirectAll } from "../settings/website.ts";
import { escapeXml } from "../xml/write.ts";

export async function serveWebsite(call: Call, bucket: string): Promise<void> {
  const { exchange } = call;
  if (exchange.method !== "GET" && exchange.method !== "HEAD") throw s3Error("MethodNotAllowed");
  const container = await call.store.namespace.findGlobalContainer(bucket);
  if (container === null) throw s3Error("NoSuchBucket");
  logCall(
    call,
    container,
    exchange.rawPath === "/" ? null : decodePiece(exchange.rawPath.slice(1)),
    `WEBSITE.${exchange.method}.OBJECT`,
  );
  exchange.charge(container.projectId);
  const website = container.settings.website as Website | undefined;
  if (website === undefined) throw s3Error("NoSuchWebsiteConfiguration");
  const path = decodePiece(exchange.rawPath.slice(1));
  const key = indexKey(website, path);
  checkKey(key);
  const page: ObjectCall = { ...call, query: new Map(), bucket, container, key };
  const place: Place = {
    protocol: exchange.door.url.startsWith("https:") ? "https" : "http",
    host: call.headers.host ?? bucket,
  };
  const everything = redirectAll(website, path, place);
  if (everything !== null) return redirect(call, everything, 301);
  const before = findRedirect(website, path, null, place);
  if (before !== null) return redirect(call, before.location, before.code);
  const object = await findPage(page, key);
  if (object !== null) {
    const { redirect: target } = object.details;
    return target === undefined ? answerWith(page, object) : redirect(call, target, 301);
  }
  if (key === path && (await findPage(page, `${path}/${website.index ?? "index.html"}`)) !== null)
    return redirect(call, `/${encodeURIComponent(path).replaceAll("%2F", "/")}/`, 302);
  await failWith(page, website, path, place);
}

/** null: not there, or not for everybody. */
async function findPage(page: ObjectCall, key: string): Promise<StoredObject | null> {
  const object = await page.store.namespace.findObject(page.container, key);
  if (object === null || object.isDeleteMarker) return null;
  return isPermitted(page, "s3:GetObject", { key, object }) ? object : null;
}

/** 404 for those who may know, 403 for all others; by a rule, the error document or a page of ours. */
async function failWith(page: ObjectCall, website: Website, path: string, place: Place): Promise<void> {
  const mayKnow = isPermitted(page, "s3:ListBucket") && isPermitted(page, "s3:GetObject", { key: page.key });
  const status = mayKnow ? 404 : 403;
  const rule = findRedirect(website, path, status, place);
  if (rule !== null) return redirect(page, rule.location, rule.code);
  const document = website.error === undefined ? null : await findPage(page, website.error);
  if (document !== null) return answerWith(page, document, status);
  throw s3Error(mayKnow ? "NoSuchKey" : "AccessDenied");
}

function redirect({ exchange }: Call, location: string, status: number): void {
  // nothing in a header may begin another one
  exchange.response.writeHead(status, {
    location: location.replaceAll(/[^\x21-\x7e]/g, encodeURIComponent),
    "content-length": 0,
  });
  exchange.response.end();
}

/** An error as a page. */
export function sendErrorPage({ response, method, transactionId }: Call["exchange"], error: CloudError): void {
  const { code, status, message } = toAnswer(error);
  const text = `${status} ${code}`;
  const body = Buffer.from(
    `<html><head><title>${text}</title></head><body><h1>${text}</h1><p>${escapeXml(message)}</p><p>${transactionId}</p></body></html>\n`,
  );
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", "content-length": body.length });
  response.end(method === "HEAD" ? undefined : body);
}
