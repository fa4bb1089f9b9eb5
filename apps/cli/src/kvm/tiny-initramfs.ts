/**
 * The smallest user land that can say it is there: an initramfs with one program, hand-assembled for x86-64 Linux, that
 * writes a line to its console and then sleeps. The KVM probe boots it below Debian's kernel.
 */

export const USER_LAND_LINE = "andromede-user-land\n";

const BASE_ADDRESS = 0x400000;
const HEADERS_SIZE = 64 + 56;

/** A static ELF program: write(1, line, length), then pause() for ever. Pure. */
export function tinyInit(line: string): Buffer {
  const text = Buffer.from(line, "latin1");
  const code = Buffer.from([
    0xb8,
    0x01,
    0x00,
    0x00,
    0x00, // mov eax, 1        write
    0xbf,
    0x01,
    0x00,
    0x00,
    0x00, // mov edi, 1        standard output
    0x48,
    0x8d,
    0x35,
    0x10,
    0x00,
    0x00,
    0x00, // lea rsi, [rip + 16]  the text, right after this code
    0xba,
    0x00,
    0x00,
    0x00,
    0x00, // mov edx, length   filled in below
    0x0f,
    0x05, // syscall
    0xb8,
    0x22,
    0x00,
    0x00,
    0x00, // mov eax, 34       pause
    0x0f,
    0x05, // syscall
    0xeb,
    0xf7, // jmp to the second mov
  ]);
  code.writeUInt32LE(text.length, 18);
  return Buffer.concat([elfHeader(code.length + text.length), code, text]);
}

/** ELF header and one loadable segment that covers the whole file. */
function elfHeader(bodySize: number): Buffer {
  const header = Buffer.alloc(HEADERS_SIZE);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]); // 64 bit, little endian, version 1, System V
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS + HEADERS_SIZE), 24); // entry
  header.writeBigUInt64LE(64n, 32); // program headers start
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const size = BigInt(HEADERS_SIZE + bodySize);
  header.writeUInt32LE(1, 64); // load
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(BASE_ADDRESS), 88);
  header.writeBigUInt64LE(size, 96);
  header.writeBigUInt64LE(size, 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return header;
}

const padTo4 = (size: number): Buffer => Buffer.alloc((4 - (size % 4)) % 4);

/** One member of a "newc" cpio archive (Linux: Documentation/driver-api/early-userspace/buffer-format.rst). */
function cpioMember(inode: number, name: string, mode: number, content: Buffer): Buffer {
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`,
    "latin1",
  );
  return Buffer.concat([header, padTo4(header.length), content, padTo4(content.length)]);
}

/** An uncompressed initramfs whose /init is `program`. Pure. */
export function initramfs(program: Buffer): Buffer {
  return Buffer.concat([cpioMember(1, "init", 0o100755, program), cpioMember(0, "TRAILER!!!", 0, Buffer.alloc(0))]);
}
