import assert from "node:assert/strict";
import { test } from "node:test";

import { holds, isInBlock, isLike } from "./conditions.ts";
import { type Asked, type Policy, evaluatePolicy, isPublicPolicy, parsePolicy } from "./policy.model.ts";

const alice = { projectId: "p1", userId: "u1", userName: "alice" };
const bucket = "arn:aws:s3:::docs";

const asked = (more: Partial<Asked> = {}): Asked => ({
  principal: alice,
  action: "s3:GetObject",
  resource: `${bucket}/a/b`,
  values: () => undefined,
  ...more,
});

const allow = (more: object = {}): Policy => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `${bucket}/*`, ...more }],
});

test("patterns", () => {
  for (const [text, pattern] of [
    ["abc", "abc"],
    ["abc", "*"],
    ["abc", "a*c"],
    ["abc", "a?c"],
    ["a/b/c", "a*c"],
    ["", "*"],
    ["aXbXc", "a*b*c"],
  ] as const)
    assert.ok(isLike(text, pattern), `${text} ${pattern}`);
  for (const [text, pattern] of [
    ["abc", "ab"],
    ["abc", "?"],
    ["abc", "a*d"],
    ["a.c", "a\\.c"],
    ["", "?"],
  ] as const)
    assert.ok(!isLike(text, pattern), `${text} ${pattern}`);
  // no pattern takes exponential time
  assert.ok(!isLike("a".repeat(5000), `${"a*".repeat(50)}b`));
});

test("addresses in blocks", () => {
  for (const [address, block] of [
    ["10.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3"],
    ["::ffff:10.1.2.3", "10.0.0.0/8"],
    ["2001:db8::1", "2001:db8::/32"],
    ["1.2.3.4", "0.0.0.0/0"],
  ] as const)
    assert.ok(isInBlock(address, block), `${address} ${block}`);
  for (const [address, block] of [
    ["11.1.2.3", "10.0.0.0/8"],
    ["10.1.2.3", "10.0.0.0/33"],
    ["10.1.2.3", "::/0"],
    ["nonsense", "10.0.0.0/8"],
    ["10.1.2", "10.0.0.0/8"],
    ["1::2::3", "::/0"],
  ] as const)
    assert.ok(!isInBlock(address, block), `${address} ${block}`);
});

test("conditions: operators, negation, IfExists, sets, Null", () => {
  const values = (key: string) =>
    ({ "s3:prefix": ["home/alice"], n: ["5"], date: ["2026-01-02T00:00:00Z"], set: ["a", "b"], b: ["true"] })[key];
  const same = (text: string): string => text;
  const check = (operator: string, key: string, ...wanted: string[]): boolean =>
    holds(operator, key, wanted, values, same);
  for (const [operator, key, ...wanted] of [
    ["StringEquals", "s3:prefix", "home/alice"],
    ["StringEquals", "s3:Prefix", "x", "home/alice"],
    ["StringNotEquals", "s3:prefix", "x"],
    ["StringNotEquals", "none", "x"],
    ["StringEqualsIgnoreCase", "s3:prefix", "HOME/ALICE"],
    ["StringLike", "s3:prefix", "home/*"],
    ["StringEqualsIfExists", "none", "x"],
    ["NumericLessThanEquals", "n", "5"],
    ["NumericGreaterThan", "n", "4"],
    ["DateGreaterThan", "date", "2026-01-01T00:00:00Z"],
    ["DateLessThan", "date", "1900000000"],
    ["Bool", "b", "true"],
    ["Null", "none", "true"],
    ["Null", "n", "false"],
    ["ForAllValues:StringEquals", "set", "a", "b", "c"],
    ["ForAllValues:StringEquals", "none", "a"],
    ["ForAnyValue:StringEquals", "set", "b", "z"],
  ] as const)
    assert.ok(check(operator, key, ...wanted), `${operator} ${key} ${wanted.join()}`);
  for (const [operator, key, ...wanted] of [
    ["StringEquals", "none", "x"],
    ["StringNotEquals", "s3:prefix", "x", "home/alice"],
    ["NumericLessThan", "n", "5"],
    ["NumericEquals", "s3:prefix", "5"],
    ["ForAllValues:StringEquals", "set", "a"],
    ["ForAnyValue:StringEquals", "set", "z"],
    ["ForAnyValue:StringEquals", "none", "z"],
    ["IpAddress", "none", "0.0.0.0/0"],
    ["NoSuchOperator", "n", "5"],
  ] as const)
    assert.ok(!check(operator, key, ...wanted), `${operator} ${key} ${wanted.join()}`);
});

test("deny beats allow, silence is silence", () => {
  const policy = allow();
  assert.equal(evaluatePolicy(policy, asked()), "allow");
  assert.equal(evaluatePolicy(policy, asked({ principal: null })), "allow");
  assert.equal(evaluatePolicy(policy, asked({ action: "s3:PutObject" })), null);
  assert.equal(evaluatePolicy(policy, asked({ resource: bucket })), null);
  const both: Policy = {
    Statement: [
      { Effect: "Deny", NotPrincipal: { AWS: "p1" }, Action: "*", Resource: [`${bucket}/secret/*`] },
      { Effect: "Allow", Principal: "*", NotAction: "s3:Delete*", Resource: `${bucket}/*` },
    ],
  };
  const secret = `${bucket}/secret/x`;
  assert.equal(evaluatePolicy(both, asked({ resource: secret })), "allow");
  assert.equal(evaluatePolicy(both, asked({ resource: secret, principal: null })), "deny");
  assert.equal(evaluatePolicy(both, asked({ action: "s3:DeleteObject" })), null);
});

test("principals: projects are accounts", () => {
  for (const AWS of ["*", "p1", "arn:aws:iam::p1:root", "arn:aws:iam::p1:user/alice", "arn:aws:iam::p1:user/u1"])
    assert.equal(evaluatePolicy(allow({ Principal: { AWS: ["nobody", AWS] } }), asked()), "allow", AWS);
  for (const AWS of ["p2", "alice", "u1", "arn:aws:iam::p2:user/alice", "arn:aws:iam::p1:user/*"])
    assert.equal(evaluatePolicy(allow({ Principal: { AWS } }), asked()), null, AWS);
  assert.equal(evaluatePolicy(allow({ Principal: { Service: "x.amazonaws.com" } }), asked()), null);
});

test("variables stand for what the request says", () => {
  const values = (key: string) => (key === "aws:username" ? ["alice"] : undefined);
  const own = allow({ Resource: `${bucket}/home/\${aws:username}/*` });
  assert.equal(evaluatePolicy(own, asked({ resource: `${bucket}/home/alice/x`, values })), "allow");
  assert.equal(evaluatePolicy(own, asked({ resource: `${bucket}/home/bob/x`, values })), null);
});

test("documents that are none are refused", () => {
  const text = (policy: object): string => JSON.stringify(policy);
  assert.deepEqual(parsePolicy(text(allow()), "docs"), allow());
  const wrong: object[] = [
    [],
    { Statement: [] },
    { Version: "2020-01-01", Statement: allow().Statement },
    { Statement: "x" },
    { Statement: [{ Effect: "Allow" }] },
    { ...allow(), Extra: 1 },
    allow({ Effect: "Maybe" }),
    allow({ Principal: { AWS: 1 } }),
    allow({ Principal: "alice" }),
    allow({ NotPrincipal: "*" }),
    allow({ Principal: undefined, Effect: "Deny" }),
    allow({ Action: "ec2:Run" }),
    allow({ Action: [] }),
    allow({ Resource: "docs/*" }),
    allow({ Resource: "arn:aws:s3:::other/*" }),
    allow({ Condition: { Nope: { a: "b" } } }),
    allow({ Condition: { StringEquals: "x" } }),
    allow({ Condition: { StringEquals: { a: { b: 1 } } } }),
    allow({ Sidd: "x" }),
  ];
  for (const policy of wrong)
    assert.throws(() => parsePolicy(text(policy), "docs"), { type: "MalformedPolicy" }, text(policy));
  assert.throws(() => parsePolicy("{", "docs"), { type: "MalformedPolicy" });
  const others = text(allow({ Principal: undefined, NotPrincipal: { AWS: "p1" } }));
  assert.throws(() => parsePolicy(others, "docs"), { type: "InvalidArgument" });
});

test("public is what lets in whoever comes", () => {
  assert.ok(isPublicPolicy(allow()));
  assert.ok(isPublicPolicy(allow({ Condition: { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } } })));
  assert.ok(isPublicPolicy(allow({ Condition: { StringLike: { "aws:Referer": "x" } } })));
  assert.ok(!isPublicPolicy(allow({ Effect: "Deny" })));
  assert.ok(!isPublicPolicy(allow({ Principal: { AWS: "p1" } })));
  assert.ok(!isPublicPolicy(allow({ Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } })));
  assert.ok(!isPublicPolicy(allow({ Condition: { StringEquals: { "aws:PrincipalAccount": "p1" } } })));
  assert.ok(isPublicPolicy(allow({ Condition: { StringLike: { "aws:PrincipalAccount": "*" } } })));
});
