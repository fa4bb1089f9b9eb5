/** What Node's parser lets pass of a request's head, and two readers of it could take for two different things. Pure. */
import type { IncomingMessage } from "node:http";

/** The status of the refusal, after which the connection is closed; null: the head is in order. RFC 9112, sections 2.3, 3.2, 6.1. */
export function objectionTo({ httpVersion, headers, rawHeaders }: IncomingMessage): 400 | 501 | null {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return 400;
  const coding = headers["transfer-encoding"];
  // another coding could be undone by who stands before us, or end somewhere else
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return 501;
  return countHosts(rawHeaders) > 1 ? 400 : null;
}

/** Of names and values by turns. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") count += 1;
  }
  return count;
}

const ABSOLUTE = /^https?:\/\/([^/?#]+)(\/[^#]*)?$/i;

/** A target with scheme and host, as it would be without; one with another host than the header's stays as it is, and is refused. */
export function toOriginForm(target: string, host: string | undefined): string {
  if (target.startsWith("/")) return target;
  const [whole, authority, rest = "/"] = ABSOLUTE.exec(target) ?? [];
  return whole !== undefined && authority?.toLowerCase() === host?.toLowerCase() ? rest : target;
}
