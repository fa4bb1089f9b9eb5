/** One thing that somebody did to a server. */
export type ServerAction = {
  id: number;
  serverId: string;
  projectId: string;
  userId: string;
  actorProjectId: string | null;
  requestId: string;
  action: string;
  message: string | null;
  startedAt: Date;
  updatedAt: Date;
  finishedAt: Date | null;
  result: string | null;
  host: string | null;
  details: string | null;
};

/** Nova's names of what is done for an action; clients look at the result only. */
const EVENT_NAMES: { readonly [action: string]: string } = {
  create: "compute__do_build_and_run_instance",
  delete: "compute_terminate_instance",
  stop: "compute_stop_instance",
  start: "compute_start_instance",
  reboot: "compute_reboot_instance",
  pause: "compute_pause_instance",
  unpause: "compute_unpause_instance",
  suspend: "compute_suspend_instance",
  resume: "compute_resume_instance",
  rebuild: "compute_rebuild_instance",
  resize: "compute_prep_resize",
  confirmResize: "compute_confirm_resize",
  revertResize: "compute_revert_resize",
  migrate: "cold_migrate",
  evacuate: "rebuild_server",
  rescue: "compute_rescue_instance",
  unrescue: "compute_unrescue_instance",
  shelve: "compute_shelve_instance",
  shelveOffload: "compute_shelve_offload_instance",
  unshelve: "compute_unshelve_instance",
  createImage: "compute_snapshot_instance",
  createBackup: "compute_backup_instance",
  changePassword: "compute_set_admin_password",
  trigger_crash_dump: "compute_trigger_crash_dump",
  restore: "compute_restore_instance",
  attach_interface: "compute_attach_interface",
  detach_interface: "compute_detach_interface",
  attach_volume: "compute_attach_volume",
  detach_volume: "compute_detach_volume",
  // done by the API itself (nova/compute/api.py, `lock`)
  lock: "api_lock",
  unlock: "api_unlock",
};

/** Null: Nova notes no event of the action. */
export const eventName = (action: string): string | null => EVENT_NAMES[action] ?? null;
