import { invalid } from "@andromede/base/errors";

/**
 * What grub-install does for a BIOS machine with GPT, without a disk to do it on. GRUB's first stage is told at which
 * sector its second one starts, and that one, where the rest of itself lies; both numbers are patched into the images
 * that grub-mkimage and the package leave. Offsets: grub-core/boot/i386/pc/{boot,diskboot}.S, include/grub/i386/pc/boot.h.
 */

const SECTOR = 512;
const BOOT_CODE_BYTES = 440;
const DRIVE_CHECK_OFFSET = 0x66;
const KERNEL_SECTOR_OFFSET = 0x5c;
const BLOCK_LIST_OFFSET = SECTOR - 12;
/** Where the second stage is loaded: 0x8200, right behind its own first sector. */
const LOAD_SEGMENT = 0x820;

export type BootLoader = {
  /** Goes to the first bytes of the disk; the partition table behind it stays. */
  bootCode: Buffer;
  /** Goes to the BIOS boot partition. */
  core: Buffer;
};

/** Joins GRUB's two stages for a disk where the second one lies at `coreSector`, in one piece of at most `maxSectors`. */
export function joinGrubStages(
  bootImage: Buffer,
  coreImage: Buffer,
  coreSector: number,
  maxSectors: number,
): BootLoader {
  if (bootImage.length !== SECTOR) throw invalid(`GRUB's boot.img has ${bootImage.length} bytes, not ${SECTOR}`);
  const sectors = Math.ceil(coreImage.length / SECTOR);
  if (sectors < 2) throw invalid("GRUB's core.img is too short to be one");
  if (sectors > maxSectors) throw invalid(`GRUB's core.img needs ${sectors} sectors, the partition has ${maxSectors}`);

  const bootCode = Buffer.from(bootImage.subarray(0, BOOT_CODE_BYTES));
  bootCode.writeBigUInt64LE(BigInt(coreSector), KERNEL_SECTOR_OFFSET);
  // The jump over the work-around for BIOSes that pass a wrong drive number becomes two no-ops, as on every hard disk.
  bootCode.writeUInt16LE(0x9090, DRIVE_CHECK_OFFSET);

  const core = Buffer.alloc(sectors * SECTOR);
  coreImage.copy(core);
  core.writeBigUInt64LE(BigInt(coreSector + 1), BLOCK_LIST_OFFSET);
  core.writeUInt16LE(sectors - 1, BLOCK_LIST_OFFSET + 8);
  core.writeUInt16LE(LOAD_SEGMENT, BLOCK_LIST_OFFSET + 10);
  return { bootCode, core };
}
