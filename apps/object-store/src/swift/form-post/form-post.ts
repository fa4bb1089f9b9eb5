/** POST of a signed form to a container, with files in it: uploads from a browser that has no token. */
import { createHmac, timingSafeEqual } from "node:crypto";

import { CloudError, invalid } from "@andromede/base/errors";

import { amendAccess } from "../../access-logs/watch.ts";
import { assertObjectName, readDeleteAt } from "../objects/object-headers.ts";
import { writeObject } from "../objects/write-object.ts";
import { type SwiftRequest, enterContainer } from "../swift-request.ts";
import { type ScopedKey, keysFor } from "../temp-url/keys.ts";
import { guessContentType } from "../wire/content-type.ts";
import { refusal, statusLine, statusOf } from "../wire/refusal.ts";
import { type Reply, movedReply } from "../wire/reply.ts";
import { decodeUtf8, quote } from "../wire/text.ts";
import { type FormFields, formInteger, formSignature, parseHeaderValue, signedForm } from "./form.model.ts";
import { type Part, bodyStream, partsOf } from "./multipart.ts";

const LONGEST_FIELD = 4096;
const MOST_FIELDS = 100;

/** The boundary, if that is such a form. */
export function formBoundary({ method, container, headers }: SwiftRequest): string | null {
  if (method !== "POST" || container === null) return null;
  const { first, parameters } = parseHeaderValue(headers["content-type"] ?? "");
  return first === "multipart/form-data" ? (parameters["boundary"] ?? null) : null;
}

export async function postForm(request: SwiftRequest, boundary: string): Promise<Reply> {
  const keys = await keysFor(request, request.container ?? "");
  const fields: FormFields = {};
  let outcome: { status: number; message: string } | null = null;
  let count = 0;
  for await (const part of partsOf(request.exchange.body(), boundary)) {
    const { parameters } = parseHeaderValue(part.headers["content-disposition"] ?? "");
    const { name, filename } = parameters;
    if (!filename) {
      if (name !== undefined) fields[name.toLowerCase()] = await readField(part);
      // nobody has signed anything yet
      if (Object.keys(fields).length > MOST_FIELDS) throw invalid("FormPost: too many fields");
      continue;
    }
    count += 1;
    const most = formInteger(fields, "max_file_count");
    if (most === null) throw invalid("FormPost: max_file_count not an integer");
    if (count > most) {
      outcome = { status: 400, message: "max file count exceeded" };
      break;
    }
    outcome = await storeFile(request, part, filename, { fields, keys });
    if (outcome.status > 299) break;
  }
  return answer(fields, outcome ?? { status: 400, message: "no files to process" });
}

async function readField({ body }: Part): Promise<string> {
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    if (size < LONGEST_FIELD) kept.push(chunk.subarray(0, LONGEST_FIELD - size));
    size += chunk.length;
  }
  const text = decodeUtf8(Buffer.concat(kept));
  if (text === null) throw invalid("FormPost: a field is not valid UTF-8");
  return text.replace(/[\r\n-]+$/, "");
}

async function storeFile(
  request: SwiftRequest,
  part: Part,
  filename: string,
  { fields, keys }: { fields: FormFields; keys: ScopedKey[] },
): Promise<{ status: number; message: string }> {
  const { store } = request;
  const maxBytes = formInteger(fields, "max_file_size");
  if (maxBytes === null) throw invalid("FormPost: max_file_size not an integer");
  const bearer = checkSignature(request, fields, keys);
  amendAccess(request.exchange, { requester: null, authType: "Form" });
  const as: SwiftRequest = {
    ...request,
    caller: { ...request.caller, actor: null, isReseller: false, bearer },
    origin: request.exchange.origin(null),
  };
  const container = request.container ?? "";
  const key = (request.object ?? "") + filename;
  assertObjectName(key);
  const deleteAt = readDeleteAt(
    {
      ...(fields["x_delete_at"] === undefined ? {} : { "x-delete-at": fields["x_delete_at"] }),
      ...(fields["x_delete_after"] === undefined ? {} : { "x-delete-after": fields["x_delete_after"] }),
    },
    store.clock.now(),
  );
  const encoding = fields["content-encoding"] ?? part.headers["content-encoding"];
  try {
    const where = { projectId: request.projectId, container, object: key };
    const entered = await enterContainer(as, where, { level: "object", method: "PUT" });
    await writeObject(as, entered.container, {
      key,
      body: bodyStream(part.body),
      size: null,
      maxBytes,
      contentType: fields["content-type"] || part.headers["content-type"] || guessContentType(key),
      metadata: {},
      details: encoding === undefined ? {} : { headers: { "content-encoding": encoding } },
      deleteAt,
    });
    return { status: 201, message: "" };
  } catch (error) {
    if (!(error instanceof CloudError) || statusOf(error) >= 500) throw error;
    if (error.kind === "tooLarge") throw invalid("FormPost: max_file_size exceeded", { cause: error });
    return { status: statusOf(error), message: error.message };
  }
}

/** Throws 401 for a form that is over, or that nobody signed. */
function checkSignature(request: SwiftRequest, fields: FormFields, keys: ScopedKey[]): ScopedKey["bearer"] {
  const { account, container, object, store, exchange } = request;
  const expires = formInteger(fields, "expires");
  if (expires === null) throw invalid("FormPost: expired not an integer");
  if (expires * 1000 < store.clock.now()) throw refusal(401, "FormPost: Form Expired");
  const signature = formSignature(fields);
  const slash = exchange.rawPath.endsWith("/") && object === null ? "/" : "";
  const path = `/v1/${account}/${container ?? ""}${object === null ? slash : `/${object}`}`;
  const given = Buffer.from(signature?.hex ?? "", "hex");
  for (const { key, bearer } of signature === null ? [] : keys) {
    const wanted = createHmac(signature?.digest ?? "sha256", key)
      .update(signedForm(path, fields))
      .digest();
    if (timingSafeEqual(wanted, given)) return bearer;
  }
  throw refusal(401, "FormPost: Invalid Signature");
}

function answer(fields: FormFields, { status, message }: { status: number; message: string }): Reply {
  const { redirect } = fields;
  if (redirect) {
    const joint = redirect.includes("?") ? "&" : "?";
    return movedReply(303, `${redirect}${joint}status=${status}&message=${quote(message)}`);
  }
  const words = message === "" ? "" : `\r\nFormPost: ${message}`;
  return { status, headers: { "Content-Type": "text/plain" }, body: statusLine(status) + words };
}
