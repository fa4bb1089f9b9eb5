/**
 * Gives the memory of pieces of bodies back at once. Left to the collector of garbage, it would come by only when there is much
 * more of it, and would then look through everything else as well: a third of a long write's time.
 */
import type { Readable } from "node:stream";

const freeable = new WeakSet<Buffer>();
const bodies = new WeakSet<Readable>();

/** Marks a piece whose memory is nobody else's. Whoever cuts it has other pieces, and those are left alone. */
export function markFreeable(piece: Buffer): Buffer {
  freeable.add(piece);
  return piece;
}

/** Marks a body all of whose pieces have memory of their own (a request's have), and which is read by nobody else. */
export function markBody<Body extends Readable>(body: Body): Body {
  bodies.add(body);
  return body;
}

/** Are the pieces of this body its reader's alone? */
export const isMarked = (body: Readable): boolean => bodies.has(body);

/** May be called once a piece, read from `body` where that is known, is of no use any more. */
export function free(piece: Buffer, body?: Readable): void {
  const { buffer, length } = piece;
  if (!(buffer instanceof ArrayBuffer)) return;
  if (freeable.delete(piece) || (body !== undefined && bodies.has(body) && buffer.byteLength === length))
    buffer.transfer(0);
}
