/** QoS specs on the wire. */
import { invalid, notFound } from "@andromede/base/errors";

import type { ApiRequest, Reply } from "../../../http/service.ts";
import { linksOf, queryBoolean } from "../common/wire.ts";
import {
  type QosSpecs,
  associateQos,
  changeQos,
  createQos,
  disassociateQos,
  readAllQos,
  readQos,
  readQosTypes,
  removeQos,
} from "./change-qos.ts";
import type { QosConsumer } from "./qos.model.ts";
import type { DeleteKeysBody, QosBody } from "./type.schema.ts";

const idOf = (request: Pick<ApiRequest, "params">): string => request.params["qos_id"] ?? "";

const toQos = ({ id, name, consumer, specs }: QosSpecs): object => ({ id, name, consumer, specs });

const toDetail = (request: ApiRequest, qos: QosSpecs): object => ({
  qos_specs: toQos(qos),
  links: linksOf(request, `qos-specs/${qos.id}`),
});

export async function listQos(request: ApiRequest): Promise<Reply> {
  const all = await readAllQos(request);
  const passes = (name: "id" | "name" | "consumer", qos: QosSpecs): boolean => {
    const asked = request.query.get(name);
    return asked === undefined || asked === qos[name];
  };
  const found = all.filter((qos) => passes("id", qos) && passes("name", qos) && passes("consumer", qos));
  return { status: 200, body: { qos_specs: found.map(toQos) } };
}

export const showQos = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: toDetail(request, await readQos(request, idOf(request))),
});

const specsOf = ({ qos_specs: { name: _name, consumer: _consumer, ...specs } }: QosBody): { [key: string]: string } =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]));

export async function postQos(request: ApiRequest<QosBody>): Promise<Reply> {
  const { name = "", consumer = "back-end" } = request.body.qos_specs;
  const qos = await createQos(request, {
    name: name.trim(),
    consumer: consumer as QosConsumer,
    specs: specsOf(request.body),
  });
  return { status: 200, body: toDetail(request, qos) };
}

export async function putQos(request: ApiRequest<QosBody>): Promise<Reply> {
  const { consumer } = request.body.qos_specs;
  await changeQos(request, idOf(request), (current) => ({
    consumer: (consumer ?? current.consumer) as QosConsumer,
    specs: { ...current.specs, ...specsOf(request.body) },
  }));
  return { status: 200, body: request.body };
}

export async function deleteQos(request: ApiRequest): Promise<Reply> {
  await removeQos(request, idOf(request), queryBoolean(request, "force"));
  return { status: 202 };
}

export async function deleteQosKeys(request: ApiRequest<DeleteKeysBody>): Promise<Reply> {
  const { keys } = request.body;
  await changeQos(request, idOf(request), ({ consumer, specs }) => {
    const missing = keys.find((key) => !Object.hasOwn(specs, key));
    if (missing !== undefined)
      throw notFound(`QoS spec ${idOf(request)} has no spec with key ${missing}.`.slice(0, 600));
    return { consumer, specs: Object.fromEntries(Object.entries(specs).filter(([key]) => !keys.includes(key))) };
  });
  return { status: 202 };
}

export const listQosAssociations = async (request: ApiRequest): Promise<Reply> => ({
  status: 200,
  body: {
    qos_associations: (await readQosTypes(request, idOf(request))).map(({ id, name }) => ({
      association_type: "volume_type",
      name,
      id,
    })),
  },
});

function typeOf(request: ApiRequest): string {
  const id = request.query.get("vol_type_id");
  if (id === undefined || id === "") throw invalid("Volume Type id must not be None.");
  return id;
}

export async function associate(request: ApiRequest): Promise<Reply> {
  await associateQos(request, idOf(request), typeOf(request));
  return { status: 202 };
}
export async function disassociate(request: ApiRequest): Promise<Reply> {
  await disassociateQos(request, idOf(request), typeOf(request));
  return { status: 202 };
}
export async function disassociateAll(request: ApiRequest): Promise<Reply> {
  await disassociateQos(request, idOf(request), null);
  return { status: 202 };
}
