import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { allowsReferrer, cleanAcl, couldMatchByName, namesIdentity, namesRole, parseAcl } from "./acl.model.ts";

describe("swift ACLs", () => {
  it("are cleaned as Swift does", () => {
    assert.equal(
      cleanAcl("read", " a:b , ,.rlistings,.referrer : *.example.com, .ref:-x"),
      "a:b,.rlistings,.r:.example.com,.r:-x",
    );
    assert.equal(cleanAcl("read", ".r:*"), ".r:*");
    assert.throws(() => cleanAcl("write", ".r:*"), /not allowed in write ACL/);
    assert.throws(() => cleanAcl("read", ".r:"), /No host/);
    assert.throws(() => cleanAcl("read", ".r:-*."), /No host/);
    assert.throws(() => cleanAcl("read", ".x:y"), /Unknown designator/);
  });

  it("the last referrer rule that fits decides", () => {
    const acl = parseAcl(".r:*,.r:-.bad.com,.r:ok.bad.com");
    assert.equal(allowsReferrer(acl, ""), true);
    assert.equal(allowsReferrer(acl, "http://x.bad.com/y"), false);
    assert.equal(allowsReferrer(acl, "http://ok.bad.com:8080/"), true);
    assert.equal(allowsReferrer(parseAcl(".r:.good.com"), "not a url"), false);
    assert.equal(allowsReferrer(parseAcl("a:b"), "http://a"), false);
  });

  it("names people by ids and names, projects by either", () => {
    const who = { userId: "u1", userName: "vera", projectId: "p1", projectName: "shop", roles: new Set(["Auditor"]) };
    const ids = { byName: false };
    for (const acl of ["p1:u1", "*:u1", "p1:*", "*:*", "x:y,p1:u1", "p1%3Au1"])
      assert.ok(namesIdentity(parseAcl(acl), who, ids), acl);
    for (const acl of ["p1:u2", "u1", "shop:vera", ""]) assert.ok(!namesIdentity(parseAcl(acl), who, ids), acl);
    assert.ok(couldMatchByName(parseAcl("shop:*"), who));
    assert.ok(!couldMatchByName(parseAcl("p1:*"), who));
    assert.ok(namesRole(parseAcl("auditor"), who.roles));
    assert.ok(!namesRole(parseAcl("auditor:x"), who.roles));
    assert.ok(!namesIdentity(parseAcl("null:u1"), { ...who, projectId: null, projectName: null }, ids));
  });
});
