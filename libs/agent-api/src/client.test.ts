/** How the control plane's side takes an agent that misbehaves. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { type RequestListener, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { type AgentClient, createAgentClient } from "./client.ts";

async function withAgent(listener: RequestListener, work: (client: AgentClient) => Promise<void>): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), "andromede-agent-"));
  const socketPath = join(home, "agent.sock");
  const server = createServer(listener);
  // an upgrade that nobody answers
  server.on("upgrade", () => undefined);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    await work(createAgentClient(socketPath, { answerMs: 100, reportMs: 200 }));
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(home, { recursive: true });
  }
}

const isUnavailable = (error: unknown): boolean => {
  const { kind, message } = error as { kind: string; message: string };
  assert.equal(kind, "unavailable");
  // it may be shown to customers
  assert.doesNotMatch(message, /sock|\//);
  return true;
};

test("an agent that takes calls and never answers is unavailable", async () => {
  await withAgent(
    () => undefined,
    async (client) => {
      await assert.rejects(client.host(), isUnavailable);
      await assert.rejects(client.consoleText("x", undefined), isUnavailable);
    },
  );
});

test("so is one that stops in the middle of its answer", async () => {
  await withAgent(
    (_request, response) => void response.writeHead(200, { "content-length": "100" }).write("{"),
    async (client) => {
      await assert.rejects(client.guests(), isUnavailable);
      await assert.rejects(client.consoleText("x", undefined), isUnavailable);
    },
  );
});

test("a stream of reports that falls silent has broken", async () => {
  await withAgent(
    (_request, response) => void response.writeHead(200).write('{"full":true}\n'),
    async (client) => {
      const heard: unknown[] = [];
      await assert.rejects(async () => {
        for await (const report of client.reports(new AbortController().signal)) heard.push(report);
      }, isUnavailable);
      assert.deepEqual(heard, [{ full: true }]);
    },
  );
});

test("nobody there is unavailable too, and does not say where", async () => {
  await assert.rejects(createAgentClient("/nonexistent/agent.sock").host(), isUnavailable);
});
