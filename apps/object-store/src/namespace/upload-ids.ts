import { randomBytes } from "node:crypto";

/**
 * Ids that grow with time, so that uploads of one key are listed the oldest first: a moment in milliseconds, a turn within
 * it, and what nobody guesses. Two programs may take the same moment and turn, which then are in no order.
 */
export function createUploadIds(): (nowMs: number) => string {
  let moment = 0;
  let turn = 0;
  return (nowMs) => {
    turn = nowMs > moment ? 0 : turn + 1;
    moment = Math.max(moment, nowMs);
    return moment.toString(16).padStart(12, "0") + turn.toString(16).padStart(8, "0") + randomBytes(16).toString("hex");
  };
}
