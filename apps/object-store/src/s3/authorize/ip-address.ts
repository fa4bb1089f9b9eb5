/** Addresses as numbers. Pure: `node:net` only says whether there is one. */

/** null: not an IPv4 address. */
export function parseIpv4(text: string): bigint | null {
  const pieces = text.split(".");
  if (pieces.length !== 4) return null;
  let value = 0n;
  for (const piece of pieces) {
    if (!/^\d{1,3}$/.test(piece) || Number(piece) > 255) return null;
    value = (value << 8n) | BigInt(Number(piece));
  }
  return value;
}

/** null: not an IPv6 address. */
export function parseIpv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  let value = 0n;
  for (const piece of [...head, ...Array<string>(missing).fill("0"), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(piece)) return null;
    value = (value << 16n) | BigInt(Number.parseInt(piece, 16));
  }
  return value;
}
