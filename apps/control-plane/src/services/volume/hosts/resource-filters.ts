/** What everybody may filter lists by (microversion 3.33), as Cinder's own configuration has it. */
export const RESOURCE_FILTERS: { readonly [resource: string]: readonly string[] } = {
  volume: ["name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size"],
  backup: ["name", "status", "volume_id"],
  snapshot: ["name", "status", "volume_id", "metadata", "availability_zone"],
  group: ["name", "status"],
  group_snapshot: ["name", "status", "group_id"],
  attachment: ["volume_id", "status", "instance_id", "attach_status"],
  message: ["resource_uuid", "resource_type", "event_id", "request_id", "message_level"],
  pool: ["name", "volume_type"],
  volume_type: ["is_public"],
};
