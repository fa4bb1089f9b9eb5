import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { METHODS } from "./cors/cors.ts";
import { findRoute, routes } from "./routes.ts";
import { statusOf } from "./wire/refusal.ts";
import type { CloudError } from "@andromede/base/errors";

describe("swift's routes", () => {
  it("serve what Allow says, and nothing else", () => {
    for (const level of ["account", "container", "object"] as const) {
      const served = routes.filter((row) => row.level === level).map(({ method }) => method);
      assert.deepEqual(served.toSorted(), [...METHODS[level]].toSorted());
      assert.throws(
        () => findRoute("PATCH", level, {}),
        (error) => statusOf(error as CloudError) === 405,
      );
    }
  });

  it("words in the query come first", () => {
    const plain = findRoute("PUT", "object", {});
    assert.notEqual(findRoute("PUT", "object", { "extract-archive": "tar" }), plain);
    assert.equal(findRoute("GET", "object", { "extract-archive": "tar" }), findRoute("GET", "object", {}));
  });
});
