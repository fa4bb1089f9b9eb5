import assert from "node:assert/strict";
import { test } from "node:test";

import { mergeOptions, missingMethods, passwordEnd } from "./user-options.ts";

const KNOWN = ["password", "totp", "token"];

test("rules of several factors", () => {
  const options = { multi_factor_auth_rules: [["password", "totp"], ["token"]] };
  assert.deepEqual(missingMethods(options, ["password"], KNOWN), [["password", "totp"], ["token"]]);
  assert.equal(missingMethods(options, ["totp", "password"], KNOWN), null);
  assert.equal(missingMethods(options, ["token", "password"], KNOWN), null);
  assert.equal(missingMethods({ ...options, multi_factor_auth_enabled: false }, [], KNOWN), null);
  assert.equal(missingMethods({}, ["password"], KNOWN), null);
});

test("a method that there is none of counts for nothing, and a rule of such is no rule", () => {
  assert.equal(missingMethods({ multi_factor_auth_rules: [["password", "retina"]] }, ["password"], KNOWN), null);
  assert.equal(missingMethods({ multi_factor_auth_rules: [["retina"]] }, ["password"], KNOWN), null);
  assert.deepEqual(missingMethods({ multi_factor_auth_rules: [["retina"], ["totp"]] }, ["password"], KNOWN), [
    ["totp"],
  ]);
});

test("options are changed one by one, and null takes one away", () => {
  assert.deepEqual(mergeOptions({ lock_password: true }, { ignore_password_expiry: true, lock_password: null }), {
    ignore_password_expiry: true,
  });
  assert.deepEqual(mergeOptions({ lock_password: true }, undefined), { lock_password: true });
});

test("a password ends some days after it was set, unless the account is exempt", () => {
  const passwordChangedAt = new Date(0);
  assert.equal(passwordEnd({ options: {}, passwordChangedAt }, 2), 172_800_000);
  assert.equal(passwordEnd({ options: {}, passwordChangedAt }, undefined), null);
  assert.equal(passwordEnd({ options: { ignore_password_expiry: true }, passwordChangedAt }, 2), null);
  assert.equal(passwordEnd({ options: {}, passwordChangedAt: null }, 2), null);
});
