/** Which of the two APIs is a request for? */

export type Addressed = { rawPath: string; rawQuery: string; host: string; authorization: string };

/** Swift's paths begin with its version; no bucket of S3 can be called so. What is signed for S3 is S3's, wherever it points. */
export function isSwift({ rawPath, rawQuery, host, authorization }: Addressed, s3Domains: readonly string[]): boolean {
  if (bucketOfHost(host, s3Domains) !== null) return false;
  if (rawPath === "/v1" || rawPath.startsWith("/v1/")) return true;
  if (rawPath !== "/info" && rawPath !== "/healthcheck") return false;
  return !authorization.startsWith("AWS") && !/(^|&)(X-Amz-Algorithm|AWSAccessKeyId)=/.test(rawQuery);
}

/** Virtual-host style: the bucket before one of our domains, else null. */
export function bucketOfHost(host: string, s3Domains: readonly string[]): string | null {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  for (const domain of s3Domains) {
    if (name.length > domain.length + 1 && name.endsWith(`.${domain}`)) return name.slice(0, -domain.length - 1);
  }
  return null;
}
