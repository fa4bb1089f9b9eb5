/** Which DHCP options a switch port points at. */
import { isObject, parseJson } from "@andromede/base/json";

import { ipVersion } from "../ovn/addresses.ts";
import { type ExtraDhcpOption, dhcpDisabled, ovnDhcpOptions } from "../ovn/dhcp-options.ts";
import type { Draft, Ref } from "../ovn/draft.ts";
import { EXTRA_DHCP, ID, SUBNET, SUBNETS, marks } from "../ovn/names.ts";
import { type OvnNorthbound, type Row, indexKey } from "../ovn/northbound.ts";

/** A subnet's DHCP options, in the database or about to be. */
export type DhcpSource = {
  readonly ref: Ref;
  readonly cidr: string;
  readonly options: { readonly [name: string]: string };
};
/** Says what a subnet's options are about to be; undefined: as they are in the database. */
type Override = (subnetId: string) => { readonly source: DhcpSource | undefined } | undefined;

type Tied = { readonly dhcpv4_options: Ref | null; readonly dhcpv6_options: Ref | null };

/** Finds (and, for a port with options of its own, makes or removes) the rows a port points at. */
export function tieDhcp(
  ovn: OvnNorthbound,
  draft: Draft,
  port: { readonly id: string; readonly type: string; readonly externalIds: { readonly [key: string]: string } },
  override: Override = () => undefined,
): Tied {
  const extras = readExtras(port.externalIds[EXTRA_DHCP]);
  const subnetIds = (port.externalIds[SUBNETS] ?? "").split(" ").filter((id) => id !== "");
  const own = ovn.owned.DHCP_Options.all(indexKey("port", port.id));
  const kept = new Set<Row<"DHCP_Options">>();

  const tie = (version: 4 | 6): Ref | null => {
    // Only a guest asks for addresses; a metadata port answers.
    if (port.type !== "" || dhcpDisabled(extras, version)) return null;
    const found = chooseSource(ovn, subnetIds, version, override);
    if (found === undefined) {
      // A subnet whose options are being made at this moment would not know of the port, nor the port of them.
      for (const subnetId of subnetIds) if (override(subnetId) === undefined) assumeNoDhcp(ovn, draft, subnetId);
    }
    if (found === undefined) return null;
    const options = ovnDhcpOptions(extras, version);
    if (Object.keys(options).length === 0) return found.source.ref;
    const existing = own.find((row) => ipVersion(row.cidr) === version);
    if (existing !== undefined) kept.add(existing);
    return draft.row("DHCP_Options", existing, {
      cidr: found.source.cidr,
      options: mergeOptions(found.source.options, options),
      external_ids: marks("port", port.id, { [SUBNET]: found.subnetId }),
    });
  };

  const tied = { dhcpv4_options: tie(4), dhcpv6_options: tie(6) };
  draft.remove(
    "DHCP_Options",
    own.filter((row) => !kept.has(row)),
  );
  return tied;
}

function assumeNoDhcp(ovn: OvnNorthbound, draft: Draft, subnetId: string): void {
  if (ovn.owned.DHCP_Options.first(indexKey("subnet", subnetId)) === undefined) {
    draft.assumeNone("DHCP_Options", ["external_ids", "includes", { [ID]: subnetId }]);
  }
}

/** The first subnet with DHCP; of IPv6 ones a stateful one first, so that the port gets an address by DHCP if it can (as Neutron does). */
function chooseSource(
  ovn: OvnNorthbound,
  subnetIds: readonly string[],
  version: 4 | 6,
  override: Override,
): { subnetId: string; source: DhcpSource } | undefined {
  const found = subnetIds.flatMap((subnetId) => {
    const overridden = override(subnetId);
    const row = ovn.owned.DHCP_Options.first(indexKey("subnet", subnetId));
    const stored = row === undefined ? undefined : { ref: row._uuid, cidr: row.cidr, options: row.options };
    const source = overridden === undefined ? stored : overridden.source;
    return source !== undefined && ipVersion(source.cidr) === version ? [{ subnetId, source }] : [];
  });
  return found.find(({ source }) => source.options["dhcpv6_stateless"] !== "true") ?? found[0];
}

/** Routes of port and subnet are joined; everything else the port's word wins. */
function mergeOptions(
  subnet: { readonly [name: string]: string },
  port: { readonly [name: string]: string },
): { readonly [name: string]: string } {
  const routes = [subnet["classless_static_route"], port["classless_static_route"]].filter(
    (each) => each !== undefined,
  );
  const joined =
    routes.length < 2
      ? {}
      : { classless_static_route: `{${routes.map((each) => each.replace(/^\{|\}$/g, "")).join(", ")}}` };
  return { ...subnet, ...port, ...joined };
}

function readExtras(text: string | undefined): ExtraDhcpOption[] {
  const value = text === undefined ? [] : parseJson(text, "a port's DHCP options");
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((option) => ({
    name: String(option["name"]),
    value: String(option["value"]),
    ipVersion: option["ipVersion"] === 6 ? 6 : 4,
  }));
}
