/** What may be sent about snapshots of groups (Block Storage API v3, "Group snapshots"). Pure. */
import { descriptionSchema, nameSchema, uuidSchema, wrapped } from "../common/wire.ts";
import { resetSchema } from "../groups/group.schema.ts";

export const createGroupSnapshotSchema = wrapped("group_snapshot", {
  type: "object",
  required: ["group_id"],
  additionalProperties: false,
  properties: { group_id: uuidSchema, name: nameSchema, description: descriptionSchema },
});
export type CreateGroupSnapshotBody = {
  group_snapshot: { group_id: string; name?: string | null; description?: string | null };
};

export const GROUP_SNAPSHOT_ACTIONS = { reset_status: { since: 19, schema: resetSchema } } as const;
