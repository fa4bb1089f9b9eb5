import { type Reconciler, done } from "../../../reconcile/worker.ts";
import { resyncAll } from "../common/realise.ts";
import { markRealised } from "../common/realised.queries.ts";
import { listRulesWithAddresses } from "../security-group-rules/security-group-rule.queries.ts";
import { ensureSecurityGroup, removeSecurityGroup } from "./security-group.ovn.ts";
import { findSecurityGroup } from "./security-group.queries.ts";

/** A group with all its rules: a rule has no key of its own. */
export const securityGroupReconciler: Reconciler = {
  kind: "security_group",
  // rules often come by the dozen, each a change of its group
  restMs: 25,
  resync: resyncAll("security_group"),
  async reconcile(app, id) {
    // the group first: rules that come after it was read raise its revision, and come again
    const group = await findSecurityGroup(app.db, { projectId: "-", admin: true }, id);
    if (group === null) {
      if (app.ovn !== null) await removeSecurityGroup(app.ovn, id);
      return done;
    }
    if (app.ovn !== null) {
      const rules = await listRulesWithAddresses(app.db, id);
      await ensureSecurityGroup(app.ovn, { id, name: group.name, stateful: group.stateful, rules });
    }
    await markRealised(app.db, "security_group", id, group.revisionNumber);
    return done;
  },
};
