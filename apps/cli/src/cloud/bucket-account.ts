/** An account of the cloud's own that keeps bytes in the cloud's own object store. */
import { hash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

import { internal } from "@andromede/base/errors";
import { waitUntil } from "@andromede/base/waiting";
import { ApiError, type Cloud } from "@andromede/openstack-client/client";
import {
  createProject,
  createUser,
  findDomain,
  findProject,
  findRole,
  findUser,
  grantProjectRole,
} from "@andromede/openstack-client/identity";
import { ensureBucket } from "@andromede/s3-client/bucket";
import { type S3Place, openS3Place } from "@andromede/s3-client/place";

const OPERATORS = "operators";
const READY_MS = 30_000;

/**
 * Project and user `name` among the operators, with the key that is in the place's file, and the bucket. Nobody can sign in
 * as the user: its password is thrown away. Idempotent.
 */
export async function ensureBucketAccount(operator: Cloud, name: string, place: S3Place): Promise<void> {
  const domain = await findDomain(operator, OPERATORS);
  const role = await findRole(operator, "member");
  if (domain === null || role === null) throw internal("the cloud has no domain operators, or no role member");
  const description = "made by andromede up: bytes of the cloud's own";
  const project =
    (await findProject(operator, name, domain.id)) ??
    (await createProject(operator, { name, domain_id: domain.id, description }));
  const user =
    (await findUser(operator, name, domain.id)) ??
    (await createUser(operator, { name, domain_id: domain.id, password: randomBytes(24).toString("base64url") }));
  await grantProjectRole(operator, project.id, user.id, role.id);
  await ensureKey(operator, { userId: user.id, projectId: project.id, place });
  const client = openS3Place(place);
  try {
    // a key that was tried before it was there is unknown for a moment more
    const isThere = (): Promise<boolean> => ensureBucket(client).then(() => true);
    await waitUntil(`the bucket of ${name}`, isThere, { timeoutMs: READY_MS, everyMs: 200 });
  } finally {
    client.close();
  }
}

async function ensureKey(
  operator: Cloud,
  { userId, projectId, place }: { userId: string; projectId: string; place: S3Place },
): Promise<void> {
  const id = hash("sha256", place.accessKey);
  try {
    await operator.call("identity", "GET", `/credentials/${id}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const secret = (await readFile(place.secretKeyFile, "utf8")).trim();
    const blob = JSON.stringify({ access: place.accessKey, secret });
    const credential = { type: "ec2", user_id: userId, project_id: projectId, blob };
    await operator.call("identity", "POST", "/credentials", { body: { credential } });
  }
}
