/** A Swift to test against: a store of its own, one account with a member's token. Test files only. */
import { newHexId } from "@andromede/base/ids";

import { type TestStore, createTestStore } from "../../testing/test-store.ts";
import { swiftFront } from "../front.ts";
import { type Answer, type Ask, swiftClient } from "./swift-client.ts";

export type TestSwift = TestStore & {
  base: string;
  projectId: string;
  token: string;
  /** `/v1/AUTH_<project>`. */
  account: string;
  /** As the member. `path` begins below the account. */
  as(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** As whoever `ask` says; a whole path. */
  raw(method: string, path: string, ask?: Ask): Promise<Answer>;
  reseller: string;
};

export async function startSwift(options: Parameters<typeof createTestStore>[0] = {}): Promise<TestSwift> {
  const test = await createTestStore(options);
  const base = await test.listen({ swift: swiftFront });
  const projectId = newHexId();
  await test.store.db`
    insert into domain (id, name) values ('default', 'Default') on conflict do nothing`;
  await test.store.db`
    insert into project (id, domain_id, name) values (${projectId}, 'default', ${`p-${projectId}`})`;
  const token = test.tokenFor({ projectId, projectName: "mine" });
  const raw = swiftClient(base);
  const account = `/v1/AUTH_${projectId}`;
  return {
    ...test,
    base,
    projectId,
    token,
    account,
    raw,
    as: (method, path, ask = {}) => raw(method, account + path, { token, ...ask }),
    reseller: test.tokenFor({ roles: ["ResellerAdmin"] }),
  };
}
