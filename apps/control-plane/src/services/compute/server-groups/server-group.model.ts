/** Servers that are to share a host, or not to. Pure. */

export type GroupPolicy = "affinity" | "anti-affinity" | "soft-affinity" | "soft-anti-affinity";

export type ServerGroup = {
  id: string;
  number: number;
  projectId: string;
  userId: string;
  name: string;
  policy: GroupPolicy;
  /** Of anti-affinity; null: the rule was not given, which is 1. */
  maxServerPerHost: number | null;
  createdAt: Date;
};

export type ServerGroupWithMembers = ServerGroup & { members: string[] };
