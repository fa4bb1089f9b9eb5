/** A server's move between hosts or flavors. Pure. */
type MigrationKind = "resize" | "migration" | "live-migration" | "evacuation";

export type Migration = {
  id: number;
  uuid: string;
  serverId: string;
  projectId: string;
  userId: string;
  kind: MigrationKind;
  status: string;
  sourceHost: string;
  destHost: string | null;
  oldFlavorId: string;
  newFlavorId: string;
  createdAt: Date;
  updatedAt: Date;
  /** Flavors have numbers inside Nova; ours are by the order of their making, 0 once a flavor is gone. */
  oldFlavorNumber: number;
  newFlavorNumber: number;
};

export type MigrationFilter = {
  equal: { readonly [name: string]: string };
  changesSince?: Date;
  changesBefore?: Date;
};
