/** What S3 calls the things that are asked for through Swift: bucket policies speak of those. Pure. */
import type { IncomingHttpHeaders } from "node:http";

export type SwiftAction = {
  level: "account" | "container" | "object";
  method: string;
  /** Asked for by its version. */
  isVersion: boolean;
  /** A listing of versions. */
  ofVersions: boolean;
};

export function s3Actions(asked: SwiftAction, headers: IncomingHttpHeaders): string[] {
  const { level } = asked;
  if (level === "account") return [];
  return level === "object" ? [objectAction(asked)] : containerActions(asked, headers);
}

function objectAction({ method, isVersion }: SwiftAction): string {
  const version = isVersion ? "Version" : "";
  if (method === "GET" || method === "HEAD") return `s3:GetObject${version}`;
  return method === "DELETE" ? `s3:DeleteObject${version}` : "s3:PutObject";
}

function containerActions({ method, ofVersions }: SwiftAction, headers: IncomingHttpHeaders): string[] {
  if (method === "GET" || method === "HEAD") return [ofVersions ? "s3:ListBucketVersions" : "s3:ListBucket"];
  if (method === "DELETE") return ["s3:DeleteBucket"];
  const actions = new Set<string>();
  for (const header in headers) {
    const found = CHANGES.find(([pattern]) => pattern.test(header));
    if (found !== undefined) actions.add(found[1]);
  }
  return [...actions];
}

/** What headers change, the narrower before the wider. */
const CHANGES: readonly [header: RegExp, action: string][] = [
  [/^x-(remove-)?container-(read|write)$/, "s3:PutBucketAcl"],
  [/^x-(versions-enabled|(remove-)?(versions|history)-location)$/, "s3:PutBucketVersioning"],
  [/^x-(remove-)?container-meta-access-control-/, "s3:PutBucketCORS"],
  [/^x-(remove-)?container-meta-web-/, "s3:PutBucketWebsite"],
  // names and values of the customer's own: what S3 has tags for
  [/^x-(remove-)?container-meta-/, "s3:PutBucketTagging"],
];
