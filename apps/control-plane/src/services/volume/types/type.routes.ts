import { route } from "../../../http/service.ts";
import {
  associate,
  deleteQos,
  deleteQosKeys,
  disassociate,
  disassociateAll,
  listQos,
  listQosAssociations,
  postQos,
  putQos,
  showQos,
} from "./qos.handlers.ts";
import {
  actOnType,
  deleteDefault,
  deleteEncryption,
  deleteExtraSpec,
  deleteType,
  listAccess,
  listDefaults,
  listExtraSpecs,
  listTypes,
  postEncryption,
  postExtraSpecs,
  postType,
  putDefault,
  putEncryption,
  putExtraSpec,
  putType,
  showDefault,
  showEncryption,
  showEncryptionItem,
  showExtraSpec,
  showType,
} from "./type.handlers.ts";
import {
  createEncryptionSchema,
  createQosSchema,
  createTypeSchema,
  defaultTypeSchema,
  deleteKeysSchema,
  extraSpecSchema,
  extraSpecsSchema,
  typeActionSchema,
  updateEncryptionSchema,
  updateQosSchema,
  updateTypeSchema,
} from "./type.schema.ts";

const T = "/v3/types";
const ONE = `${T}/:type_id`;
const Q = "/v3/qos-specs";
const QOS = `${Q}/:qos_id`;
const P = "volume_extension:";
const SPECS = `${P}types_extra_specs:`;
const ENCRYPTION = `${P}volume_type_encryption:`;
const MANAGE = `${P}qos_specs_manage:`;
const DEFAULT = "/v3/default-types/:project_id";

const typeRoutes = [
  route({ method: "GET", path: T, rule: `${P}type_get_all`, handler: listTypes }),
  route({ method: "POST", path: T, rule: `${P}type_create`, body: createTypeSchema, handler: postType }),
  route({ method: "GET", path: ONE, rule: `${P}type_get`, handler: showType }),
  route({ method: "PUT", path: ONE, rule: `${P}type_update`, body: updateTypeSchema, handler: putType }),
  route({ method: "DELETE", path: ONE, rule: `${P}type_delete`, handler: deleteType }),
  route({
    method: "POST",
    path: `${ONE}/action`,
    rule: `${P}volume_type_access:change`,
    body: typeActionSchema,
    handler: actOnType,
  }),
  route({
    method: "GET",
    path: `${ONE}/os-volume-type-access`,
    rule: `${P}volume_type_access:get_all_for_type`,
    handler: listAccess,
  }),
  route({ method: "GET", path: `${ONE}/extra_specs`, rule: `${SPECS}index`, handler: listExtraSpecs }),
  route({
    method: "POST",
    path: `${ONE}/extra_specs`,
    rule: `${SPECS}create`,
    body: extraSpecsSchema,
    handler: postExtraSpecs,
  }),
  route({ method: "GET", path: `${ONE}/extra_specs/:key`, rule: `${SPECS}show`, handler: showExtraSpec }),
  route({
    method: "PUT",
    path: `${ONE}/extra_specs/:key`,
    rule: `${SPECS}update`,
    body: extraSpecSchema,
    handler: putExtraSpec,
  }),
  route({ method: "DELETE", path: `${ONE}/extra_specs/:key`, rule: `${SPECS}delete`, handler: deleteExtraSpec }),
  route({ method: "GET", path: `${ONE}/encryption`, rule: `${ENCRYPTION}get`, handler: showEncryption }),
  route({
    method: "POST",
    path: `${ONE}/encryption`,
    rule: `${ENCRYPTION}create`,
    body: createEncryptionSchema,
    handler: postEncryption,
  }),
  route({ method: "GET", path: `${ONE}/encryption/:key`, rule: `${ENCRYPTION}get`, handler: showEncryptionItem }),
  route({
    method: "PUT",
    path: `${ONE}/encryption/:key`,
    rule: `${ENCRYPTION}update`,
    body: updateEncryptionSchema,
    handler: putEncryption,
  }),
  route({ method: "DELETE", path: `${ONE}/encryption/:key`, rule: `${ENCRYPTION}delete`, handler: deleteEncryption }),
];

const qosRoutes = [
  route({ method: "GET", path: Q, rule: `${MANAGE}get_all`, handler: listQos }),
  route({ method: "POST", path: Q, rule: `${MANAGE}create`, body: createQosSchema, handler: postQos }),
  route({ method: "GET", path: QOS, rule: `${MANAGE}get`, handler: showQos }),
  route({ method: "PUT", path: QOS, rule: `${MANAGE}update`, body: updateQosSchema, handler: putQos }),
  route({ method: "DELETE", path: QOS, rule: `${MANAGE}delete`, handler: deleteQos }),
  route({
    method: "PUT",
    path: `${QOS}/delete_keys`,
    rule: `${MANAGE}update`,
    body: deleteKeysSchema,
    handler: deleteQosKeys,
  }),
  route({ method: "GET", path: `${QOS}/associations`, rule: `${MANAGE}get_all`, handler: listQosAssociations }),
  route({ method: "GET", path: `${QOS}/associate`, rule: `${MANAGE}update`, handler: associate }),
  route({ method: "GET", path: `${QOS}/disassociate`, rule: `${MANAGE}update`, handler: disassociate }),
  route({ method: "GET", path: `${QOS}/disassociate_all`, rule: `${MANAGE}update`, handler: disassociateAll }),
];

const defaultRoutes = [
  route({ method: "GET", path: "/v3/default-types", rule: `${P}default_get_all`, since: 62, handler: listDefaults }),
  route({ method: "GET", path: "/v3/default-types/", rule: `${P}default_get_all`, since: 62, handler: listDefaults }),
  route({ method: "GET", path: DEFAULT, rule: `${P}default_get`, since: 62, handler: showDefault }),
  route({
    method: "PUT",
    path: DEFAULT,
    rule: `${P}default_set_or_update`,
    since: 62,
    body: defaultTypeSchema,
    handler: putDefault,
  }),
  route({ method: "DELETE", path: DEFAULT, rule: `${P}default_unset`, since: 62, handler: deleteDefault }),
];

export const volumeTypeRoutes = [...typeRoutes, ...qosRoutes, ...defaultRoutes];
