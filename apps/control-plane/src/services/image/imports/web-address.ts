/**
 * What the cloud may fetch for a customer. Only hosts that the operator named; and of those only public addresses,
 * unless the address itself was named: a name may come to mean something of ours at any time.
 */
import { BlockList, isIP } from "node:net";

import { forbidden, invalid } from "@andromede/base/errors";

const PRIVATE: [address: string, prefix: number, family: "ipv4" | "ipv6"][] = [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.0.0.0", 24, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["::", 96, "ipv6"],
  ["64:ff9b::", 96, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
];

const blocked = new BlockList();
for (const [address, prefix, family] of PRIVATE) blocked.addSubnet(address, prefix, family);

export function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw invalid(`URI for web-download does not pass filtering: ${text.slice(0, 200)}`, { field: "method.uri" });
  if (url.username !== "" || url.password !== "")
    throw invalid("A URI with a name or password in it is not fetched", { field: "method.uri" });
  return url;
}

const bareHost = (url: URL): string => url.hostname.replace(/^\[|\]$/g, "").toLowerCase();

/** `host` or `host:port` is among those named; without a port, the usual ones of http and https. */
export function assertAllowedUrl(url: URL, hosts: readonly string[]): void {
  const host = bareHost(url);
  const names = url.port === "" ? [host] : [`${host}:${url.port}`];
  if (!hosts.some((allowed) => names.includes(allowed.toLowerCase())))
    throw invalid(`URI for web-download does not pass filtering: the host ${url.host} is not allowed`, {
      field: "method.uri",
    });
}

/** An address that a name came to; throws unless it is anybody's. `port`: of the URL, empty for the usual one. */
export function assertPublicAddress(address: string, port: string, hosts: readonly string[]): void {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(mapped);
  const named = hosts.includes(port === "" ? mapped : `${mapped}:${port}`);
  if (family === 0 || (!named && blocked.check(mapped, family === 6 ? "ipv6" : "ipv4")))
    throw forbidden(`The address ${address} is not fetched from`);
}
