/** What a test expects of an answer. Test files only. */
import assert from "node:assert/strict";

import type { Answer } from "./client.ts";

export async function ok(sending: Promise<Answer>, status = 200): Promise<Answer> {
  const answer = await sending;
  assert.equal(answer.status, status, answer.text);
  return answer;
}

export async function refused(sending: Promise<Answer>, status: number, code?: string): Promise<Answer> {
  const answer = await sending;
  assert.equal(answer.status, status, answer.text);
  if (code !== undefined) assert.equal(answer.code, code);
  return answer;
}
