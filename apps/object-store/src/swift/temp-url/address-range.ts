/** Is an address in a range such as `192.0.2.0/24`? */
import { BlockList, isIP } from "node:net";

/** false, too, for what is no range: bits beyond the mask must be zero, as in Python's ip_network. */
export function isInRange(address: string, range: string): boolean {
  const [network = "", bits, ...more] = range.split("/");
  const version = isIP(network);
  if (version === 0 || more.length > 0) return false;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (bits !== undefined && (!/^\d{1,3}$/.test(bits) || prefix > most)) return false;
  const list = new BlockList();
  const family = version === 4 ? "ipv4" : "ipv6";
  list.addSubnet(network, prefix, family);
  // an IPv4 client of a listener for both is shown as ::ffff:192.0.2.1
  const plain = address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
  const itsVersion = isIP(plain);
  return itsVersion === version && list.check(plain, family);
}
