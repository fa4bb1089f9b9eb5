/** Numbers of the NBD protocol (NetworkBlockDevice's doc/proto.md) and the packets made of them. Pure. */

/** "NBDMAGIC", "IHAVEOPT" and the magic of option replies. */
export const INIT_MAGIC = 0x4e42_444d_4147_4943n;
export const OPTION_MAGIC = 0x4948_4156_454f_5054n;
export const OPTION_REPLY_MAGIC = 0x3_e889_0455_65a9n;
export const REQUEST_MAGIC = 0x2560_9513;
export const SIMPLE_REPLY_MAGIC = 0x6744_6698;
export const STRUCTURED_REPLY_MAGIC = 0x668e_33ef;

/** Handshake: both sides speak "fixed newstyle", and no padding is sent. */
export const FLAGS = { fixedNewstyle: 1, noZeroes: 2 } as const;
export const OPTION = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
export const REPLY = { ack: 1, info: 3, metaContext: 4, errorBit: 2 ** 31 } as const;
export const INFO = { export: 0, blockSize: 3 } as const;
export const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 } as const;
export const CHUNK = { none: 0, offsetData: 1, offsetHole: 2, blockStatus: 5, errorBit: 2 ** 15 } as const;
export const CHUNK_DONE = 1;
/** Of `base:allocation`. */
export const STATE = { hole: 1, zero: 2 } as const;
/** Transmission flag: nothing may be written. */
export const READ_ONLY = 2;

/** An option of the handshake. */
export function optionPacket(option: number, data: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(option, 8);
  head.writeUInt32BE(data.length, 12);
  return Buffer.concat([head, data]);
}

/** Data of NBD_OPT_GO: the export, and no information asked for beyond what is always given. */
export function goData(exportName: string): Buffer {
  return Buffer.concat([lengthAndText(exportName), Buffer.from([0, 0])]);
}

/** Data of NBD_OPT_SET_META_CONTEXT. */
export function metaContextData(exportName: string, context: string): Buffer {
  return Buffer.concat([lengthAndText(exportName), Buffer.from([0, 0, 0, 1]), lengthAndText(context)]);
}

function lengthAndText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A command's head; what is written follows it. */
export function requestHead(command: number, cookie: bigint, offset: number, length: number): Buffer {
  const head = Buffer.alloc(28);
  head.writeUInt32BE(REQUEST_MAGIC, 0);
  head.writeUInt16BE(0, 4);
  head.writeUInt16BE(command, 6);
  head.writeBigUInt64BE(cookie, 8);
  head.writeBigUInt64BE(BigInt(offset), 16);
  head.writeUInt32BE(length, 24);
  return head;
}
