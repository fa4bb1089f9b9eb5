/** May logs be written into this bucket? As to Amazon's log delivery, unless its policy denies it. */
import type { Container } from "../namespace/container.model.ts";
import { evaluatePolicy, policyOf } from "../s3/authorize/policy.model.ts";
import type { LogGroup } from "./access-log.queries.ts";

export const LOG_DELIVERY = "logging.s3.amazonaws.com";

/** Target and source are of one owner: nothing more is needed, but what is forbidden is forbidden. */
export function mayDeliver(
  target: Container,
  source: Pick<LogGroup, "projectId" | "bucket">,
  key: string,
  now: Date,
): boolean {
  const policy = policyOf(target.settings.policy);
  if (policy === undefined) return true;
  const known: { [key: string]: string } = {
    "aws:sourcearn": `arn:aws:s3:::${source.bucket}`,
    "aws:sourceaccount": source.projectId,
    "aws:principalservicename": LOG_DELIVERY,
    "aws:principalisawsservice": "true",
    "aws:securetransport": "true",
    "aws:currenttime": now.toISOString(),
    "aws:epochtime": String(Math.floor(now.getTime() / 1000)),
  };
  const verdict = evaluatePolicy(policy, {
    principal: { service: LOG_DELIVERY },
    action: "s3:PutObject",
    resource: `arn:aws:s3:::${target.globalName ?? target.name}/${key}`,
    values: (name) => (Object.hasOwn(known, name) ? [known[name] ?? ""] : undefined),
  });
  return verdict !== "deny";
}
