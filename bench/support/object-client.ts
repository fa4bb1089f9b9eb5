/** A client of object storage that costs little: requests are bytes made beforehand, answers are counted and not kept. */
import { type Socket, connect } from "node:net";

export type ObjectRequest = { head: string; body?: Buffer };
export type ObjectAnswer = { status: number; bytes: number };

export type ObjectClient = {
  /** One at a time. */
  send(request: ObjectRequest): Promise<ObjectAnswer>;
  close(): void;
};

const HEAD_END = Buffer.from("\r\n\r\n");
const CHUNKS_END = Buffer.from("0\r\n\r\n");

export function openObjectClient(port: number): Promise<ObjectClient> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const answers = readAnswers(socket);
  const client: ObjectClient = {
    send({ head, body }) {
      const answer = answers.next();
      if (body === undefined) socket.write(head, "latin1");
      else {
        socket.cork();
        socket.write(head, "latin1");
        socket.write(body);
        socket.uncork();
      }
      return answer;
    },
    close: () => socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(client));
    socket.once("error", reject);
  });
}

/** `next` is to be asked before the request is sent. */
function readAnswers(socket: Socket): { next(): Promise<ObjectAnswer> } {
  let waiting: PromiseWithResolvers<ObjectAnswer> | null = null;
  let head: Buffer = Buffer.alloc(0);
  let open: { status: number; bytes: number; left: number | null; tail: Buffer } | null = null;

  const finish = (): void => {
    if (open === null) return;
    const { status, bytes } = open;
    open = null;
    head = Buffer.alloc(0);
    waiting?.resolve({ status, bytes });
    waiting = null;
  };
  const take = (chunk: Buffer): void => {
    if (open === null) return;
    open.bytes += chunk.length;
    if (open.left !== null) {
      open.left -= chunk.length;
      if (open.left <= 0) finish();
      return;
    }
    open.tail = Buffer.concat([open.tail, chunk.subarray(-CHUNKS_END.length)]).subarray(-CHUNKS_END.length);
    if (open.tail.equals(CHUNKS_END)) finish();
  };
  socket.on("data", (chunk: Buffer) => {
    if (open !== null) return take(chunk);
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const text = head.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    const status = Number(text.slice(9, 12));
    const isBare = status === 204 || status === 304;
    open = { status, bytes: 0, left: isBare ? 0 : length === undefined ? null : Number(length), tail: Buffer.alloc(0) };
    const rest = head.subarray(end + HEAD_END.length);
    if (open.left === 0) return finish();
    return rest.length > 0 ? take(rest) : undefined;
  });
  const end = (error?: Error): void => waiting?.reject(error ?? new Error("the connection ended"));
  socket.on("error", end);
  socket.on("close", () => end());
  return {
    next() {
      waiting = Promise.withResolvers<ObjectAnswer>();
      return waiting.promise;
    },
  };
}
