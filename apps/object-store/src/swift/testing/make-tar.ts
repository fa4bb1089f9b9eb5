/** Tar archives for tests: ustar, with pax headers for what does not fit. Test files only. */

export type TarFile = {
  name: string;
  /** Absent: a directory. */
  body?: string | Buffer;
  pax?: { [key: string]: string };
};

export function makeTar(files: TarFile[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { name, body, pax = {} } of files) {
    const long = name.length > 100 ? { path: name } : {};
    const extended = Object.entries({ ...pax, ...long }).map(([key, value]) => paxLine(key, value));
    if (extended.length > 0) blocks.push(...entry("pax", "x", Buffer.concat(extended)));
    blocks.push(...entry(name.slice(0, 100), body === undefined ? "5" : "0", Buffer.from(body ?? "")));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function paxLine(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return Buffer.from(`${length}${rest}`);
}

function entry(name: string, type: string, body: Buffer): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000644\0", 100);
  header.write(`${body.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("        ", 148);
  header.write(type, 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
}
