import { type ResourceClass, nothingOwned } from "../../registry/registry.ts";
import { findPurge } from "./purges/purge.queries.ts";
import { toPurgeView } from "./purges/purge.view.ts";

export const operatorClasses: ResourceClass[] = [
  {
    // the record of an erasure outlives what was erased: nobody's but the operator's
    name: "operator.project_purge",
    table: "project_purge",
    ownerColumn: null,
    deleteOrder: 3000,
    meters: [],
    verbs: ["create", "finish"],
    list: nothingOwned,
    async export(app, id) {
      const purge = await findPurge(app.db, id);
      return purge === null ? null : toPurgeView(purge);
    },
  },
];
