/** A project's named set of rules. Pure. */
import { type CloudError, conflict, notFound } from "@andromede/base/errors";

import type { SecurityGroupRule } from "../security-group-rules/security-group-rule.model.ts";

export type SecurityGroup = {
  id: string;
  projectId: string;
  name: string;
  description: string;
  stateful: boolean;
  isDefault: boolean;
  sharedWith: string[];
  tags: string[];
  revisionNumber: number;
  createdAt: Date;
  updatedAt: Date;
};

export type SecurityGroupWithRules = SecurityGroup & { rules: SecurityGroupRule[] };

export const DEFAULT_GROUP_NAME = "default";

export const securityGroupNotFound = (id: string): CloudError =>
  notFound(`Security group ${id} does not exist`, { type: "SecurityGroupNotFound" });
export const securityGroupInUse = (id: string): CloudError =>
  conflict(`Security Group ${id} in use.`, { type: "SecurityGroupInUse" });
export const defaultGroupExists = (): CloudError =>
  conflict("Default security group already exists.", { type: "SecurityGroupDefaultAlreadyExists" });
