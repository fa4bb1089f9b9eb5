/** What is asked of a bucket as a whole. */
import { hash } from "node:crypto";

import { internal } from "@andromede/base/errors";

import { type S3Client, bodyOf } from "./client.ts";

/** Makes the bucket unless it is there. Idempotent. */
export async function ensureBucket(client: S3Client): Promise<void> {
  const { status } = await client.ask({ method: "HEAD", key: "" }, [200, 404]);
  if (status === 404) await client.ask({ method: "PUT", key: "" }, [200, 409]);
}

/** The keys below a prefix, a page at a time, in order. */
export async function* listKeys(client: S3Client, prefix: string): AsyncGenerator<string[]> {
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const page = await client.ask(
      {
        method: "GET",
        key: "",
        query: { "list-type": "2", prefix, ...(token === undefined ? {} : { "continuation-token": token }) },
      },
      [200],
    );
    yield [...page.text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) => decodeXml(key));
    const next = /<NextContinuationToken>([^<]*)</.exec(page.text)?.[1];
    token = next === undefined ? undefined : decodeXml(next);
  }
}

/** Deletes up to 1,000 keys (a page of `listKeys`) in one request; one that is not there is no error. */
export async function deleteKeys(client: S3Client, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const objects = keys.map((key) => `<Object><Key>${encodeXml(key)}</Key></Object>`).join("");
  const order = Buffer.from(`<Delete><Quiet>true</Quiet>${objects}</Delete>`);
  const { text } = await client.ask(
    {
      method: "POST",
      key: "",
      query: { delete: "" },
      headers: { "content-md5": hash("md5", order, "base64") },
      body: bodyOf(order),
    },
    [200],
  );
  const refused = /<Error>.*?<Code>([^<]*)</s.exec(text)?.[1];
  if (refused !== undefined)
    throw internal("The server that keeps the bytes refused", { cause: new Error(`DeleteObjects: ${refused}`) });
}

const encodeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const ENTITIES: { [name: string]: string } = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text that an element's content stands for: keys and tokens are sent with XML's five entities. */
export const decodeXml = (text: string): string =>
  text.replaceAll(/&(\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
