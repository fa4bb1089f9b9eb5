/** An aggregate on the wire, by microversion. Pure. */
import { isoMicroseconds } from "../common/wire.ts";
import type { Aggregate } from "./aggregate.model.ts";

/** The answer to POST says nothing of hosts and metadata. */
export const toCreatedAggregate = (aggregate: Aggregate, version: number): object => ({
  id: aggregate.id,
  ...(version >= 41 ? { uuid: aggregate.uuid } : {}),
  name: aggregate.name,
  availability_zone: aggregate.availabilityZone,
  created_at: isoMicroseconds(aggregate.createdAt),
  updated_at: aggregate.updatedAt === null ? null : isoMicroseconds(aggregate.updatedAt),
  deleted_at: null,
  deleted: false,
});

export const toAggregateView = (aggregate: Aggregate, version: number): object => ({
  ...toCreatedAggregate(aggregate, version),
  hosts: aggregate.hosts,
  metadata: {
    ...aggregate.metadata,
    ...(aggregate.availabilityZone === null ? {} : { availability_zone: aggregate.availabilityZone }),
  },
});
