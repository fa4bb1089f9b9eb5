/** QoS specs: what they say reaches the disks of running servers at once. */
import { conflict, invalid, notFound } from "@andromede/base/errors";
import { newUuid } from "@andromede/base/ids";

import { type Transaction, transact } from "../../../db/transaction.ts";
import type { ApiRequest } from "../../../http/service.ts";
import { touchServer } from "../../compute/public.ts";
import { serversWithType } from "../attachments/attachment.queries.ts";
import type { QosConsumer } from "./qos.model.ts";
import {
  type QosSpecs,
  deleteQosRow,
  detachQos,
  findQos,
  insertQos,
  listQos,
  listQosTypes,
  lockQos,
  setQos,
} from "./qos.queries.ts";
import { noType } from "./read-types.ts";
import { lockType, setTypeQos } from "./type.queries.ts";

export type { QosSpecs } from "./qos.queries.ts";

const noQos = (id: string) => notFound(`No such qos spec ${id}.`.slice(0, 400));
const target = (id: string) => ({ type: "qos_specs", id });

export const readAllQos = (request: ApiRequest): Promise<QosSpecs[]> => listQos(request.app.db);

export async function readQos(request: ApiRequest, id: string): Promise<QosSpecs> {
  const qos = await findQos(request.app.db, id);
  if (qos === null) throw noQos(id);
  return qos;
}

export async function createQos(
  request: ApiRequest,
  wanted: { name: string; consumer: QosConsumer; specs: { [key: string]: string } },
): Promise<QosSpecs> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const qos = { ...wanted, id: newUuid() };
    if (!(await insertQos(tx.sql, qos, new Date(app.clock.now()))))
      throw conflict(`QoS Specs ${wanted.name} already exists.`);
    tx.event({ action: "volume.qos_specs.create", target: target(qos.id), detail: { name: qos.name } });
    return qos;
  });
}

type Work<T> = (tx: Transaction, qos: QosSpecs, at: Date) => Promise<T>;

function change<T>(request: ApiRequest, id: string, work: Work<T>): Promise<T> {
  const { app } = request;
  return transact(app, request.origin, async (tx) => {
    const qos = await lockQos(tx.sql, id);
    if (qos === null) throw noQos(id);
    return work(tx, qos, new Date(app.clock.now()));
  });
}

/** Guests that have volumes of these types get their disks' limits anew. */
async function touchTypes(tx: Transaction, typeIds: readonly string[]): Promise<void> {
  for (const serverId of await serversWithType(tx.sql, typeIds)) await touchServer(tx, serverId);
}

const touchQos = async (tx: Transaction, id: string): Promise<void> =>
  touchTypes(
    tx,
    (await listQosTypes(tx.sql, id)).map((type) => type.id),
  );

export const changeQos = (
  request: ApiRequest,
  id: string,
  how: (current: QosSpecs) => { consumer: QosConsumer; specs: { [key: string]: string } },
): Promise<void> =>
  change(request, id, async (tx, qos, at) => {
    const changed = how(qos);
    if (Object.keys(changed.specs).length > 200) throw invalid("There may be at most 200 specs");
    await setQos(tx.sql, { id, ...changed }, at);
    await touchQos(tx, id);
    tx.event({ action: "volume.qos_specs.update", target: target(id), detail: { specs: Object.keys(changed.specs) } });
  });

export const removeQos = (request: ApiRequest, id: string, force: boolean): Promise<void> =>
  change(request, id, async (tx, qos) => {
    const types = await listQosTypes(tx.sql, id);
    if (types.length > 0 && !force) throw invalid("Qos specs still in use.");
    await touchQos(tx, id);
    await detachQos(tx.sql, id);
    await deleteQosRow(tx.sql, id);
    tx.event({ action: "volume.qos_specs.delete", target: target(id), detail: { name: qos.name } });
  });

export async function readQosTypes(request: ApiRequest, id: string): Promise<{ id: string; name: string }[]> {
  await readQos(request, id);
  return listQosTypes(request.app.db, id);
}

export const associateQos = (request: ApiRequest, id: string, typeId: string): Promise<void> =>
  change(request, id, async (tx, qos, at) => {
    const type = await lockType(tx.sql, typeId);
    if (type === null) throw noType(typeId);
    if (type.qosSpecsId !== null && type.qosSpecsId !== id) {
      throw invalid(`Type ${typeId} is already associated with another qos specs: ${type.qosSpecsId}`);
    }
    await setTypeQos(tx.sql, typeId, id, at);
    await touchTypes(tx, [typeId]);
    tx.event({ action: "volume.qos_specs.associate", target: target(qos.id), detail: { volume_type_id: typeId } });
  });

/** `typeId` null: from all types. */
export const disassociateQos = (request: ApiRequest, id: string, typeId: string | null): Promise<void> =>
  change(request, id, async (tx, qos, at) => {
    await touchQos(tx, id);
    if (typeId === null) {
      await detachQos(tx.sql, id);
    } else {
      const type = await lockType(tx.sql, typeId);
      if (type === null) throw noType(typeId);
      if (type.qosSpecsId === id) await setTypeQos(tx.sql, typeId, null, at);
    }
    tx.event({ action: "volume.qos_specs.disassociate", target: target(qos.id), detail: { volume_type_id: typeId } });
  });
