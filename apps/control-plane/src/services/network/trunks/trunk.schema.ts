import type { Attributes } from "../common/list-request.ts";
import { boolean, envelope, integerText, name, projectId, uuidText } from "../common/wire.ts";

export const trunkAttributes: Attributes = {
  id: { column: "id", kind: "text" },
  name: { column: "name", kind: "text" },
  description: { column: "description", kind: "text" },
  project_id: { column: "project_id", kind: "text" },
  tenant_id: { column: "project_id", kind: "text" },
  port_id: { column: "port_id", kind: "text" },
  admin_state_up: { column: "admin_state_up", kind: "boolean" },
  revision_number: { column: "revision_number", kind: "integer" },
  created_at: { column: "created_at", kind: "time" },
  updated_at: { column: "updated_at", kind: "time" },
};

const changeable = { name, description: name, admin_state_up: boolean } as const;
const subPorts = {
  type: "array",
  maxItems: 4094,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["port_id"],
    properties: {
      port_id: uuidText,
      segmentation_type: { type: "string", maxLength: 32 },
      segmentation_id: integerText,
    },
  },
} as const;

export const createTrunkSchema = envelope(
  "trunk",
  {
    type: "object",
    additionalProperties: false,
    required: ["port_id"],
    properties: {
      ...changeable,
      port_id: uuidText,
      sub_ports: subPorts,
      project_id: projectId,
      tenant_id: projectId,
    },
  },
  "trunks",
);
export const updateTrunkSchema = envelope("trunk", {
  type: "object",
  additionalProperties: false,
  properties: changeable,
});
/** Of the actions: no envelope. */
export const subPortsSchema = {
  type: "object",
  additionalProperties: false,
  required: ["sub_ports"],
  properties: { sub_ports: subPorts },
} as const;
