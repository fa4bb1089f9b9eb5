/** The client against a server of a few lines that says what a test wants it to. (Real servers: tests/contract/agent.) */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ByteReader } from "./byte-reader.ts";
import { type NbdClient, NbdError, connectNbd } from "./client.ts";
import { CHUNK, COMMAND, INFO, INIT_MAGIC, OPTION, OPTION_MAGIC, OPTION_REPLY_MAGIC, REPLY } from "./frames.ts";

type Request = { command: number; cookie: bigint; offset: number; length: number; payload: Buffer };
type Answer = (request: Request, socket: Socket) => void;

const SIZE = 1024;
const ALLOCATION = 7;
const CONTEXT = Buffer.from("base:allocation");

function numbers(...parts: [bytes: 2 | 4 | 8, value: number | bigint][]): Buffer {
  return Buffer.concat(
    parts.map(([bytes, value]) => {
      const buffer = Buffer.alloc(8);
      buffer.writeBigUInt64BE(BigInt(value));
      return buffer.subarray(8 - bytes);
    }),
  );
}

const chunk = (cookie: bigint, type: number, content: Buffer, done = true): Buffer =>
  Buffer.concat([numbers([4, 0x668e_33ef], [2, done ? 1 : 0], [2, type], [8, cookie], [4, content.length]), content]);

async function serve(socket: Socket, { structured, answer }: { structured: boolean; answer: Answer }): Promise<void> {
  const reader = new ByteReader(socket);
  socket.write(numbers([8, INIT_MAGIC], [8, OPTION_MAGIC], [2, 3]));
  await reader.take(4);
  const reply = (option: number, type: number, data: Buffer = Buffer.alloc(0)): void =>
    void socket.write(
      Buffer.concat([numbers([8, OPTION_REPLY_MAGIC], [4, option], [4, type], [4, data.length]), data]),
    );
  for (let option = 0; option !== OPTION.go;) {
    const head = await reader.take(16);
    option = head.readUInt32BE(8);
    const data = await reader.take(head.readUInt32BE(12));
    if (option !== OPTION.go && !structured) {
      reply(option, REPLY.errorBit + 1);
      continue;
    }
    if (option === OPTION.setMetaContext)
      reply(option, REPLY.metaContext, Buffer.concat([numbers([4, ALLOCATION]), CONTEXT]));
    if (option === OPTION.setMetaContext) assert.ok(data.includes(CONTEXT));
    if (option === OPTION.go) {
      if (!data.includes("disk")) {
        reply(option, REPLY.errorBit + 6);
        return;
      }
      reply(option, REPLY.info, numbers([2, INFO.export], [8, SIZE], [2, 3]));
    }
    reply(option, REPLY.ack);
  }
  for (;;) {
    const head = await reader.take(28);
    const command = head.readUInt16BE(6);
    if (command === COMMAND.disconnect) {
      socket.end();
      return;
    }
    const length = head.readUInt32BE(24);
    const payload = command === COMMAND.write ? await reader.take(length) : Buffer.alloc(0);
    const [cookie, offset] = [head.readBigUInt64BE(8), Number(head.readBigUInt64BE(16))];
    answer({ command, cookie, offset, length, payload }, socket);
  }
}

async function withServer(
  options: { structured?: boolean; exportName?: string; answer: Answer },
  work: (client: NbdClient) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "andromede-nbd-"));
  const socketPath = join(directory, "s");
  const { structured = true, exportName = "disk", answer } = options;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    // The client's end is the server's too.
    serve(socket, { structured, answer }).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    const client = await connectNbd({ socketPath, exportName });
    try {
      await work(client);
    } finally {
      await client.close();
    }
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
}

test("what is read comes in pieces and in any order, with holes", async () => {
  const waiting: Request[] = [];
  const answer: Answer = (request, socket) => {
    waiting.push(request);
    if (waiting.length < 2) return;
    for (const { cookie, offset } of waiting.toReversed()) {
      socket.write(
        chunk(
          cookie,
          CHUNK.offsetData,
          Buffer.concat([numbers([8, offset + 2]), Buffer.from(`${offset}`.padEnd(4))]),
          false,
        ),
      );
      socket.write(chunk(cookie, CHUNK.offsetHole, numbers([8, offset], [4, 2]), false));
      socket.write(chunk(cookie, CHUNK.none, Buffer.alloc(0)));
    }
  };
  await withServer({ answer }, async (client) => {
    assert.deepEqual({ size: client.sizeBytes, readOnly: client.readOnly }, { size: SIZE, readOnly: true });
    const [one, two] = await Promise.all([client.read(100, 6), client.read(200, 6)]);
    assert.deepEqual([one.toString(), two.toString()], ["\0\u0000100 ", "\0\u0000200 "]);
  });
});

test("extents are told as they are", async () => {
  const answer: Answer = ({ cookie }, socket) =>
    void socket.write(chunk(cookie, CHUNK.blockStatus, numbers([4, ALLOCATION], [4, 512], [4, 0], [4, 512], [4, 3])));
  await withServer({ answer }, async (client) => {
    assert.deepEqual(await client.extents(0, SIZE), [
      { offset: 0, length: 512, zero: false },
      { offset: 512, length: 512, zero: true },
    ]);
  });
});

test("a failed write is an error of its own, and the connection goes on", async () => {
  let calls = 0;
  const answer: Answer = ({ cookie, payload }, socket) => {
    calls += 1;
    assert.equal(payload.toString(), calls === 1 ? "lost" : "kept");
    const reply =
      calls === 1 ? chunk(cookie, CHUNK.errorBit + 1, numbers([4, 28], [2, 0])) : chunk(cookie, 0, Buffer.alloc(0));
    socket.write(reply);
  };
  await withServer({ answer }, async (client) => {
    await assert.rejects(
      client.write(0, Buffer.from("lost")),
      (error) => error instanceof NbdError && error.errno === 28,
    );
    await client.write(0, Buffer.from("kept"));
  });
  assert.equal(calls, 2);
});

test("a server without structured replies is read too; all of it counts as data", async () => {
  const answer: Answer = ({ cookie, length }, socket) =>
    void socket.write(Buffer.concat([numbers([4, 0x6744_6698], [4, 0], [8, cookie]), Buffer.alloc(length, 5)]));
  await withServer({ structured: false, answer }, async (client) => {
    assert.deepEqual(await client.extents(8, 16), [{ offset: 8, length: 16, zero: false }]);
    assert.deepEqual(await client.read(0, 4), Buffer.alloc(4, 5));
  });
});

test("when the server goes, all that was asked fails", async () => {
  await withServer({ answer: (_request, socket) => void socket.destroy() }, async (client) => {
    await assert.rejects(Promise.all([client.read(0, 8), client.flush()]), /broke/);
    await assert.rejects(client.read(0, 8), /broke/);
  });
});

test("an export that is not there is refused", async () => {
  const nothing = { exportName: "another", answer: (): void => undefined };
  await assert.rejects(
    withServer(nothing, () => Promise.resolve()),
    /no export "another"/,
  );
});
