/** Clients that write, overwrite and delete, and remember what they were told. */
import { createHash, randomBytes, randomInt } from "node:crypto";

import { waitUntil } from "@andromede/base/waiting";

import { type S3Client, pathOf } from "../../../apps/object-store/src/s3/testing/client.ts";

/** sha256 of a body; null: no such object. */
type Content = string | null;

export type Writer = {
  /** Writes until told to stop; gives the number of answers it had. */
  write(stopped: () => boolean): Promise<number>;
  /** Reads everything back; throws where something is that cannot be. */
  verify(): Promise<void>;
  /** Keys that are there. */
  present(): string[];
};

const KEYS = 40;
const PART = 5 * 1024 * 1024;
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** Small ones mostly; some that are cut into chunks. */
const bodyOf = (): Buffer => randomBytes(randomInt(10) < 8 ? randomInt(0, 60_000) : randomInt(70_000, 3_000_000));

export function createWriter(s3: S3Client, bucket: string, name: string): Writer {
  /** What may be under a key: one thing, or (after a request without an answer) two. */
  const states = new Map<string, Content[]>();
  const keys = Array.from({ length: KEYS }, (_, index) => `${name}/${index}`);

  /** The request's outcome: the new state if it was answered so, the old if it was refused, either if there was no answer. */
  async function change(key: string, next: Content, send: () => Promise<number>): Promise<boolean> {
    const before = states.get(key) ?? [null];
    states.set(key, [...new Set([...before, next])]);
    const status = await send().catch(() => 0);
    if (status >= 200 && status < 300) states.set(key, [next]);
    // refused for certain: nothing was begun
    else if (status === 503 || status === 0 || status >= 500) return false;
    else throw new Error(`${key}: ${status}`);
    return true;
  }

  const put = (key: string): Promise<boolean> => {
    const body = bodyOf();
    return change(
      key,
      sha256(body),
      async () => (await s3.send("PUT", pathOf(bucket, key), { body, sign: "unsigned" })).status,
    );
  };

  const remove = (key: string): Promise<boolean> =>
    change(key, null, async () => (await s3.send("DELETE", pathOf(bucket, key))).status);

  async function multipart(key: string): Promise<boolean> {
    const path = pathOf(bucket, key);
    const parts = [randomBytes(PART), randomBytes(randomInt(1, 200_000))];
    const etags: string[] = [];
    try {
      const begun = await s3.send("POST", path, { query: { uploads: "" } });
      const uploadId = /<UploadId>([^<]+)</.exec(begun.text)?.[1];
      if (uploadId === undefined) return false;
      for (const [index, body] of parts.entries()) {
        const query = { uploadId, partNumber: String(index + 1) };
        // eslint-disable-next-line no-await-in-loop
        const answer = await s3.send("PUT", path, { query, body, sign: "unsigned" });
        if (answer.status !== 200) return false;
        etags.push(String(answer.headers["etag"]));
      }
      const list = etags.map((etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`);
      const body = `<CompleteMultipartUpload>${list.join("")}</CompleteMultipartUpload>`;
      return await change(key, sha256(Buffer.concat(parts)), async () => {
        const answer = await s3.send("POST", path, { query: { uploadId }, body });
        // S3 may say 200 first and find out afterwards
        return answer.status === 200 && !answer.text.includes("<Error>") ? 200 : 0;
      });
    } catch {
      return false;
    }
  }

  function once(): Promise<boolean> {
    const key = keys[randomInt(KEYS)] ?? "";
    const dice = randomInt(100);
    if (dice < 70) return put(key);
    return dice < 95 ? remove(key) : multipart(key);
  }

  async function verifyKey(key: string): Promise<void> {
    const allowed = states.get(key) ?? [null];
    const found = await waitUntil(
      `an answer about ${key}`,
      async () => {
        const answer = await s3.send("GET", pathOf(bucket, key)).catch(() => null);
        return answer !== null && (answer.status === 200 || answer.status === 404) && answer;
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
    const content = found.status === 404 ? null : sha256(found.body);
    if (!allowed.includes(content))
      throw new Error(`${key} is ${content ?? "gone"}, and was acknowledged as ${allowed.map(String).join(" or ")}`);
    states.set(key, [content]);
  }

  return {
    async write(stopped) {
      let answers = 0;
      while (!stopped()) {
        // each client does one thing at a time
        // eslint-disable-next-line no-await-in-loop
        if (await once()) answers += 1;
      }
      return answers;
    },
    async verify() {
      // eslint-disable-next-line no-await-in-loop
      for (const key of states.keys()) await verifyKey(key);
    },
    present: () => [...states].filter(([, [content]]) => content !== null && content !== undefined).map(([key]) => key),
  };
}
