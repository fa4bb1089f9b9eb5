import assert from "node:assert/strict";
import { test } from "node:test";

import type { Project } from "./project.model.ts";
import { parentIds, subtreeIds } from "./read-tree.ts";

const project = (id: string, parentId: string | null): Project => ({
  id,
  parentId,
  domainId: "d",
  name: id,
  description: "",
  enabled: true,
  tags: [],
  immutable: false,
  extra: {},
});

test("parents are nested from the nearest to the domain", () => {
  assert.deepEqual(parentIds(project("c", "b"), [project("b", "a"), project("a", null)]), { b: { a: { d: null } } });
  assert.deepEqual(parentIds(project("a", null), []), { d: null });
});

test("a subtree is nested downwards, and ends in nothing", () => {
  const below = [project("b", "a"), project("c", "a"), project("e", "b")];
  assert.deepEqual(subtreeIds("a", below), { b: { e: null }, c: null });
  assert.equal(subtreeIds("e", below), null);
});
