/** What a file's first bytes say it is. Pure: an attacker chose every one of these bytes. */

/** Enough of a file's beginning for every header below. */
export const HEADER_BYTES = 1024;

export type Qcow2Header = {
  version: number;
  virtualSizeBytes: number;
  hasBackingFile: boolean;
  hasExternalData: boolean;
  isEncrypted: boolean;
  isCorrupt: boolean;
  /** Incompatible features that QEMU 10 does not know either. */
  hasUnknownFeatures: boolean;
};

export type Sniffed =
  | { kind: "qcow2"; header: Qcow2Header }
  | { kind: "qed" | "vmdk" | "vdi" | "vhd" | "vhdx" | "unknown" };

/** qcow2 specification (QEMU docs/interop/qcow2.txt), "Header": all numbers big-endian. */
function readQcow2(bytes: Buffer): Qcow2Header | null {
  if (bytes.length < 72) return null;
  const version = bytes.readUInt32BE(4);
  const features = version >= 3 && bytes.length >= 104 ? bytes.readBigUInt64BE(72) : 0n;
  const size = bytes.readBigUInt64BE(24);
  return {
    version,
    virtualSizeBytes: size > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(size),
    hasBackingFile: bytes.readBigUInt64BE(8) !== 0n || bytes.readUInt32BE(16) !== 0,
    isEncrypted: bytes.readUInt32BE(32) !== 0,
    isCorrupt: (features & 2n) !== 0n,
    hasExternalData: (features & 4n) !== 0n,
    // dirty, corrupt, external data, compression type, extended L2
    hasUnknownFeatures: features >> 5n !== 0n,
  };
}

const startsWith = (bytes: Buffer, magic: string | number[], at = 0): boolean => {
  const wanted = Buffer.from(magic as string);
  return bytes.length >= at + wanted.length && bytes.subarray(at, at + wanted.length).equals(wanted);
};

/** Recognises what QEMU would take for more than plain bytes if it were left to guess. */
export function sniff(bytes: Buffer): Sniffed {
  if (startsWith(bytes, [0x51, 0x46, 0x49, 0xfb])) {
    const header = readQcow2(bytes);
    // the magic alone is enough to be no raw disk; a header that ends early is as bad as one with unknown features
    return {
      kind: "qcow2",
      header: header ?? {
        version: 0,
        virtualSizeBytes: 0,
        hasBackingFile: false,
        hasExternalData: false,
        isEncrypted: false,
        isCorrupt: true,
        hasUnknownFeatures: true,
      },
    };
  }
  if (startsWith(bytes, "QED\0")) return { kind: "qed" };
  if (startsWith(bytes, "KDMV") || startsWith(bytes, "COWD") || startsWith(bytes, "# Disk DescriptorFile"))
    return { kind: "vmdk" };
  if (startsWith(bytes, [0x7f, 0x10, 0xda, 0xbe], 64)) return { kind: "vdi" };
  if (startsWith(bytes, "vhdxfile")) return { kind: "vhdx" };
  if (startsWith(bytes, "conectix")) return { kind: "vhd" };
  return { kind: "unknown" };
}
