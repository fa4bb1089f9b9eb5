/** PUT with X-Symlink-Target: a name that stands for another, loosely or (with X-Symlink-Target-Etag) only while it stays as it is. */
import { invalid } from "@andromede/base/errors";

import type { ObjectDetails } from "../../namespace/object.model.ts";
import { bodyOf } from "../large-objects/manifest.ts";
import { openObject } from "../objects/open-object.ts";
import { assertObjectName, detailsOf, one, readGiven, readOnlyNew, readSize } from "../objects/object-headers.ts";
import { createdReply, writeObject } from "../objects/write-object.ts";
import { type ObjectName, type SwiftRequest, enterContainer, objectNameOf } from "../swift-request.ts";
import { bareEtag } from "../wire/conditional.ts";
import { refusal, statusOf } from "../wire/refusal.ts";
import type { Reply } from "../wire/reply.ts";
import { accountOf, parseObjectName, projectOf } from "../wire/swift-path.ts";
import { headerText, quote, unquote } from "../wire/text.ts";
import { CloudError } from "@andromede/base/errors";

type Symlink = NonNullable<ObjectDetails["symlink"]>;

export async function putSymlink(request: SwiftRequest): Promise<Reply> {
  const { headers, store } = request;
  const name = objectNameOf(request);
  const { container } = await enterContainer(request, name, { level: "object", method: "PUT" });
  const onlyNew = readOnlyNew(headers);
  if (readSize(headers) !== 0) throw invalid("Symlink requests require a zero byte body");
  assertObjectName(name.object);
  const { symlink, target } = readTarget(request, name);
  const found = symlink.etag === undefined ? null : await checkTarget(request, target, symlink.etag);
  const given = readGiven(headers, store.clock.now());
  const type = headers["content-type"] ? headerText(headers["content-type"]) : null;
  const object = await writeObject(request, container, {
    key: name.object,
    body: bodyOf(Buffer.alloc(0)),
    size: 0,
    contentType: type ?? found ?? "application/symlink",
    metadata: given.metadata,
    details: { ...detailsOf(given), symlink },
    deleteAt: given.deleteAt,
    onlyNew,
  });
  return createdReply(container, object);
}

function readTarget(request: SwiftRequest, own: ObjectName): { symlink: Symlink; target: ObjectName } {
  const { headers } = request;
  const raw = one(headers["x-symlink-target"]) ?? "";
  const parsed = unquote(raw)?.startsWith("/") === true ? null : parseObjectName(raw);
  if (parsed === null) throw refusal(412, "X-Symlink-Target header must be of the form <container name>/<object name>");
  const account = readAccount(one(headers["x-symlink-target-account"]));
  const projectId = account === "" ? own.projectId : (projectOf(account) ?? "");
  const target = { projectId, ...parsed };
  if (projectId === own.projectId && parsed.container === own.container && parsed.object === own.object)
    throw invalid("Symlink cannot target itself");
  const etag = bareEtag(one(headers["x-symlink-target-etag"]) ?? "");
  if (/[;"\\]/.test(etag)) throw invalid("Bad X-Symlink-Target-Etag format");
  return { symlink: { account, ...parsed, ...(etag === "" ? {} : { etag }) }, target };
}

/** '': the link's own. */
function readAccount(header: string | undefined): string {
  if (header === undefined) return "";
  const account = unquote(header) ?? "";
  if (account === "") throw refusal(412, "Account name cannot be empty");
  if (account.includes("/")) throw refusal(412, "Account name cannot contain slashes");
  return account;
}

/** What a static link points to must be there, and be that. Gives its content type, which the link takes over. */
async function checkTarget(request: SwiftRequest, target: ObjectName, etag: string): Promise<string> {
  const account = accountOf(target.projectId);
  const location = `/v1/${quote(account)}/${quote(target.container)}/${quote(target.object)}`;
  const headers = { "Content-Location": location };
  try {
    const opened = await openObject(request, target, { followsLinks: false, asManifest: false });
    const found = opened.object.details.symlink?.etag ?? opened.etag;
    if (found === etag) return opened.object.contentType;
    throw refusal(409, `Object Etag '${found}' does not match X-Symlink-Target-Etag header '${etag}'`, { headers });
  } catch (error) {
    if (!(error instanceof CloudError) || statusOf(error) !== 404) throw error;
    throw refusal(409, "X-Symlink-Target does not exist", { headers, cause: error });
  }
}
