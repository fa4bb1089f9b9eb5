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
