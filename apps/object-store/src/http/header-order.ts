/** The order in which an answer's headers go to Node. Pure. */
import type { OutgoingHttpHeaders } from "node:http";

const isDisposition = (name: string): boolean => name.length === 19 && name.toLowerCase() === "content-disposition";

/**
 * A Content-Disposition that stands behind the length is decoded once more by Node (`processHeader` in node:_http_outgoing), as
 * UTF-8: what comes of it is cut to bytes, and may end the line. Before the length it is sent as it is.
 */
export function inOrder<Headers extends OutgoingHttpHeaders>(headers: Headers): Headers {
  for (const name in headers) if (isDisposition(name)) return { [name]: headers[name], ...headers };
  return headers;
}
