import { createHash } from "node:crypto";

/** As Keystone: an access key is found by its hash. */
export const ec2Id = (access: string): string => createHash("sha256").update(access).digest("hex");
