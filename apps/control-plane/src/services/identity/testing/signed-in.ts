/** Accounts and sign-ins for Identity's own tests. Test files only. */
import assert from "node:assert/strict";

import type { Plane } from "@andromede/platform/tokens/actor";

import type { Config } from "../../../config.ts";
import { type Answer, type TestApp, createTestApp } from "../../../testing/test-app.ts";
import { bootstrapOperator } from "../bootstrap-operator.ts";
import { identityService } from "../service.ts";

export const OPERATOR_PASSWORD = "operators-own-password";

export type IdentityTest = TestApp & {
  operator: { id: string; token: string; projectId: string };
  /** As the operator, at the operators' door; fails unless the status is the one expected. */
  admin(method: string, path: string, body: unknown, status: number): Promise<never>;
  as(token: string, method: string, path: string, body?: unknown, plane?: Plane): Promise<Answer>;
  signIn(auth: unknown, plane?: Plane): Promise<Answer>;
  /** A customer's user with roles on a project of their own; the password is the name. */
  customer(
    name: string,
    roles?: string[],
    domainId?: string,
  ): Promise<{ userId: string; projectId: string; token(): Promise<string> }>;
  roleId(name: string): Promise<string>;
  events(action: string): Promise<{ outcome: string; body: { [key: string]: unknown } }[]>;
};

export const passwordAuth = (user: object, password: string, scope?: unknown) => ({
  auth: {
    identity: { methods: ["password"], password: { user: { ...user, password } } },
    ...(scope === undefined ? {} : { scope }),
  },
});
export const tokenAuth = (token: string, scope?: unknown) => ({
  auth: { identity: { methods: ["token"], token: { id: token } }, ...(scope === undefined ? {} : { scope }) },
});

export async function createIdentityTest(identity: Config["identity"] & {} = {}): Promise<IdentityTest> {
  const test = await createTestApp({ services: [identityService], config: { identity }, time: "manual" });
  const { app } = test;
  const account = await bootstrapOperator(app, { name: "operator", password: OPERATOR_PASSWORD });

  const signIn: IdentityTest["signIn"] = (auth, plane = "customer") => {
    // events sort by time: no two sign-ins in the same millisecond
    test.clock.advance(1);
    return test.inject({ method: "POST", url: "/identity/v3/auth/tokens", body: auth, plane });
  };
  const as: IdentityTest["as"] = (token, method, path, body, plane = "customer") =>
    test.inject({ method, url: `/identity/v3/${path}`, token, plane, ...(body === undefined ? {} : { body }) });

  const first = await signIn(
    passwordAuth({ name: "operator", domain: { id: "operators" } }, OPERATOR_PASSWORD),
    "operator",
  );
  assert.equal(first.status, 201, first.text);
  const operator = {
    id: account.user.id,
    token: String(first.headers["x-subject-token"]),
    projectId: account.project.id,
  };

  const admin: IdentityTest["admin"] = async (method, path, body, status) => {
    const answer = await as(operator.token, method, path, body, "operator");
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const roleId = async (name: string): Promise<string> => {
    const { roles } = (await admin("GET", `roles?name=${name}`, undefined, 200)) as { roles: { id: string }[] };
    return roles[0]?.id ?? assert.fail(`no role ${name}`);
  };

  return {
    ...test,
    operator,
    admin,
    as,
    signIn,
    roleId,
    async customer(name, roles = ["member"], domainId = "default") {
      const { project } = (await admin(
        "POST",
        "projects",
        { project: { name: `${name}-project`, domain_id: domainId } },
        201,
      )) as {
        project: { id: string };
      };
      const { user } = (await admin("POST", "users", { user: { name, password: name, domain_id: domainId } }, 201)) as {
        user: { id: string };
      };
      for (const role of roles)
        await admin("PUT", `projects/${project.id}/users/${user.id}/roles/${await roleId(role)}`, undefined, 204);
      return {
        userId: user.id,
        projectId: project.id,
        async token() {
          const answer = await signIn(passwordAuth({ id: user.id }, name, { project: { id: project.id } }));
          assert.equal(answer.status, 201, answer.text);
          return String(answer.headers["x-subject-token"]);
        },
      };
    },
    async events(action) {
      const rows = await app.db<
        { outcome: string; body: string }[]
      >`select outcome, body from event where action = ${action} order by id`;
      return rows.map((row) => ({ outcome: row.outcome, body: JSON.parse(row.body) as { [key: string]: unknown } }));
    },
  };
}
