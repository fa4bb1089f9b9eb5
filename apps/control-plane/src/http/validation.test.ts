import assert from "node:assert/strict";
import { test } from "node:test";

import { validate } from "./validation.ts";

const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    size: { type: "integer" },
    user: { type: "object", properties: { password: { type: "string" }, adminPass: { type: "string" } } },
  },
} as const;

const messageFor = (value: unknown): string => {
  try {
    validate(schema, value);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was let through");
};

test("a message names the member and shows what was wrong with it", () => {
  assert.equal(messageFor({ size: "x" }), 'Invalid input for field/attribute size. Value: "x". It must be integer');
});

test("but never a secret, wherever in the value it is", () => {
  for (const value of [
    { user: { password: ["hunter2"] } },
    { user: { adminPass: { deep: "hunter2" } } },
    { name: { password: "hunter2" } },
    { size: [{ secret: "hunter2" }] },
  ]) {
    assert.doesNotMatch(messageFor(value), /hunter2/);
  }
});
