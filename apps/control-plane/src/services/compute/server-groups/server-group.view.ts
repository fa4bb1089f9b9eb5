/** A server group on the wire, by microversion. Pure. */
import type { ServerGroupWithMembers } from "./server-group.model.ts";

export const toServerGroupView = (group: ServerGroupWithMembers, version: number): object => ({
  id: group.id,
  name: group.name,
  ...(version >= 64
    ? {
        policy: group.policy,
        rules: group.maxServerPerHost === null ? {} : { max_server_per_host: group.maxServerPerHost },
      }
    : { policies: [group.policy], metadata: {} }),
  members: group.members,
  ...(version >= 13 ? { project_id: group.projectId, user_id: group.userId } : {}),
});
