/**
 * DHCP options a customer sets on a port: names of Neutron (as dnsmasq knows them, or numbers) to names of OVN.
 * The table follows Neutron's documentation "DHCP options supported by OVN" (doc/source/ovn/dhcp_opts). Pure.
 */

/** One of a port's `extra_dhcp_opts`. */
export type ExtraDhcpOption = { readonly name: string; readonly value: string; readonly ipVersion: 4 | 6 };

/** [OVN's name, Neutron's names...] */
const NAMES: Record<4 | 6, readonly (readonly [string, ...string[]])[]> = {
  4: [
    ["arp_cache_timeout", "arp-timeout", "35"],
    ["bootfile_name", "bootfile-name", "67"],
    ["bootfile_name_alt", "bootfile-name-alt"],
    ["classless_static_route", "classless-static-route", "121"],
    ["default_ttl", "default-ttl", "23"],
    ["dns_server", "dns-server", "6"],
    ["domain_name", "domain-name", "15"],
    ["domain_search_list", "domain-search", "119"],
    ["ethernet_encap", "ethernet-encap", "36"],
    ["ip_forward_enable", "ip-forward-enable", "19"],
    ["lease_time", "lease-time", "51"],
    ["log_server", "log-server", "7"],
    ["lpr_server", "lpr-server", "9"],
    ["ms_classless_static_route", "ms-classless-static-route", "249"],
    ["mtu", "mtu", "26"],
    ["netmask", "netmask", "1"],
    ["next_server", "server-ip-address", "255"],
    ["nis_server", "nis-server", "41"],
    ["ntp_server", "ntp-server", "42"],
    ["path_prefix", "path-prefix", "210"],
    ["policy_filter", "policy-filter", "21"],
    ["router", "router", "3"],
    ["router_discovery", "router-discovery", "31"],
    ["router_solicitation", "router-solicitation", "32"],
    ["server_id", "server-id", "54"],
    ["swap_server", "swap-server", "16"],
    ["T1", "T1", "58"],
    ["T2", "T2", "59"],
    ["tcp_keepalive_interval", "tcp-keepalive", "38"],
    ["tcp_ttl", "tcp-ttl", "37"],
    ["tftp_server", "tftp-server", "66"],
    ["tftp_server_address", "tftp-server-address", "150"],
    ["wpad", "wpad", "252"],
  ],
  6: [
    ["bootfile_name", "bootfile-name", "59"],
    ["dns_server", "dns-server", "23"],
    ["domain_search", "domain-search", "24"],
    ["ia_addr", "ia-addr", "5"],
    ["server_id", "server-id", "2"],
  ],
};

const TEXTS: ReadonlySet<string> = new Set([
  "bootfile_name",
  "bootfile_name_alt",
  "domain_name",
  "domain_search",
  "domain_search_list",
  "path_prefix",
  "tftp_server",
  "wpad",
]);

const BY_NAME: Record<4 | 6, ReadonlyMap<string, string>> = { 4: byName(4), 6: byName(6) };

function byName(version: 4 | 6): ReadonlyMap<string, string> {
  return new Map(NAMES[version].flatMap(([ovn, ...names]) => names.map((name) => [name, ovn] as const)));
}

/** Do these options ask for no DHCP at all on the port? */
export const dhcpDisabled = (options: readonly ExtraDhcpOption[], version: 4 | 6): boolean =>
  options.some(
    (option) =>
      option.name === "dhcp_disabled" && option.ipVersion === version && option.value.toLowerCase() === "true",
  );

/** The options OVN understands, under its names; others are left out, as Neutron does. */
export function ovnDhcpOptions(
  options: readonly ExtraDhcpOption[],
  version: 4 | 6,
): { readonly [name: string]: string } {
  const result: { [name: string]: string } = {};
  for (const { name, value, ipVersion } of options) {
    const ovnName = BY_NAME[version].get(name);
    if (ipVersion !== version || ovnName === undefined) continue;
    // A text without quotes would be read as a variable.
    result[ovnName] = TEXTS.has(ovnName) ? `"${value.replaceAll('"', "")}"` : value;
  }
  return result;
}
