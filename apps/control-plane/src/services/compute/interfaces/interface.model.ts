/** What a request to attach an interface means. Pure. */
import { invalid } from "@andromede/base/errors";

import type { RequestedInterface } from "../../network/public.ts";

export type Attachment = { port_id?: string; net_id?: string; fixed_ips?: { ip_address: string }[]; tag?: string };

/** Nova: a port brings its own addresses, a network must be named before an address of it can be. */
export function badFixedIps(attachment: Attachment): void {
  if (attachment.port_id !== undefined && attachment.net_id !== undefined)
    throw invalid("Must not input both network_id and port_id");
  if (attachment.fixed_ips !== undefined && attachment.net_id === undefined)
    throw invalid("Must input network_id when request IP address");
}

export function toRequested(attachment: Attachment): RequestedInterface | "implicit" {
  const tag = attachment.tag === undefined ? {} : { tag: attachment.tag };
  if (attachment.port_id !== undefined) return { portId: attachment.port_id, ...tag };
  if (attachment.net_id === undefined) return "implicit";
  const address = attachment.fixed_ips?.[0]?.ip_address;
  return { networkId: attachment.net_id, ...(address === undefined ? {} : { fixedIp: address }), ...tag };
}
