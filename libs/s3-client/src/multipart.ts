/** Objects that are put in parts: nothing is there before all of them are, and nothing is left once one is given up. */
import { CloudError, internal } from "@andromede/base/errors";

import { decodeXml } from "./bucket.ts";
import { type S3Client, type S3Request, bodyOf } from "./client.ts";

export type Multipart = { key: string; uploadId: string };
export type PutPart = { number: number; etag: string };

/** Begins one. */
export async function beginMultipart(client: S3Client, key: string, signal?: AbortSignal): Promise<Multipart> {
  const { text } = await client.ask(
    { method: "POST", key, query: { uploads: "" }, ...(signal === undefined ? {} : { signal }) },
    [200],
  );
  const uploadId = /<UploadId>([^<]*)</.exec(text)?.[1];
  if (uploadId === undefined) throw internal("The server that keeps the bytes named no upload");
  return { key, uploadId: decodeXml(uploadId) };
}

/** One part, from 1 to 10,000; all but the last have 5 MiB at least. */
export async function putPart(
  client: S3Client,
  { key, uploadId }: Multipart,
  part: { number: number; body: NonNullable<S3Request["body"]>; signal?: AbortSignal },
): Promise<PutPart> {
  const { number, body, signal } = part;
  const { headers } = await client.ask(
    {
      method: "PUT",
      key,
      query: { partNumber: String(number), uploadId },
      body,
      ...(signal === undefined ? {} : { signal }),
    },
    [200],
  );
  if (headers.etag === undefined) throw internal("The server that keeps the bytes named no part");
  return { number, etag: headers.etag };
}

/** Makes the object of its parts. May be asked again after an answer was lost: `bytes` tells whether it was done. */
export async function completeMultipart(
  client: S3Client,
  { key, uploadId }: Multipart,
  { parts, bytes }: { parts: readonly PutPart[]; bytes: number },
): Promise<void> {
  const named = parts
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${encodeEtag(etag)}</ETag></Part>`);
  const order = Buffer.from(`<CompleteMultipartUpload>${named.join("")}</CompleteMultipartUpload>`);
  try {
    const { text } = await client.ask({ method: "POST", key, query: { uploadId }, body: bodyOf(order) }, [200]);
    // the answer begins before the work ends, so that it may be an error all the same
    const code = /<Error>.*?<Code>([^<]*)</s.exec(text)?.[1];
    if (code !== undefined)
      throw internal("The server that keeps the bytes refused", { cause: new Error(`${key}: ${code}`) });
  } catch (error) {
    if (!(error instanceof CloudError) || error.kind !== "notFound") throw error;
    const { headers } = await client.ask({ method: "HEAD", key }, [200]);
    if (Number(headers["content-length"]) !== bytes) throw error;
  }
}

/** Idempotent. */
export async function abortMultipart(client: S3Client, { key, uploadId }: Multipart): Promise<void> {
  await client.ask({ method: "DELETE", key, query: { uploadId } }, [204, 404]);
}

/** Those below a prefix that nobody has completed or aborted, a page at a time. */
export async function* listMultiparts(client: S3Client, prefix: string): AsyncGenerator<Multipart[]> {
  let markers: { [name: string]: string } | null = {};
  while (markers !== null) {
    const query = { uploads: "", prefix, ...markers };
    const { text } = await client.ask({ method: "GET", key: "", query }, [200]);
    yield [...text.matchAll(/<Upload>(.*?)<\/Upload>/gs)].map(([, upload = ""]) => ({
      key: elementOf(upload, "Key"),
      uploadId: elementOf(upload, "UploadId"),
    }));
    markers =
      elementOf(text, "IsTruncated") === "true"
        ? {
            "key-marker": elementOf(text, "NextKeyMarker"),
            "upload-id-marker": elementOf(text, "NextUploadIdMarker"),
          }
        : null;
  }
}

const elementOf = (text: string, name: string): string =>
  decodeXml(new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "");

const encodeEtag = (etag: string): string => etag.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
