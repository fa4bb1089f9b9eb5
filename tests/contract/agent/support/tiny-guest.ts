/**
 * The smallest guest that behaves: a boot sector. It says TINY GUEST UP on its serial console, echoes what it is sent,
 * counts ("c" gives the next letter, so that one sees whether its memory is the same), powers off on "q" and when the
 * ACPI power button is pressed, unless "d" made it deaf to that. Assembled here, so that tests need no image.
 */

type Piece = number | { label: string } | { jumpTo: string } | { address: string };

const label = (name: string): Piece => ({ label: name });
const to = (name: string): Piece => ({ jumpTo: name });
const at = (name: string): Piece => ({ address: name });
const ORIGIN = 0x7c00;

// PM1 status, enable and control registers are where SeaBIOS puts them on q35 (0x600, 0x602, 0x604); COM1 is at 0x3f8.
const PROGRAM: (Piece | Piece[])[] = [
  [0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb], // cli; cld; ds = ss = 0; sp = 0x7c00; sti
  [0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef], // enable the power button
  [0xbe, at("greeting")], // si = greeting
  label("greet"),
  [0xac, 0x84, 0xc0, 0x74, to("wait")], // lodsb; zero ends it
  [0xe8, at("call:put")], // call put
  [0xeb, to("greet")],
  label("wait"),
  0xf4, // hlt, until the next timer tick
  [0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x75, to("off")], // power button pressed?
  label("read"),
  [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, to("wait")], // anything received?
  [0xba, 0xf8, 0x03, 0xec], // al = it
  [0x3c, 0x71, 0x74, to("off")], // "q"
  [0x3c, 0x64, 0x75, to("not-deaf")], // "d": the power button means nothing from now on
  [0x50, 0xba, 0x02, 0x06, 0x31, 0xc0, 0xef, 0x58], // push ax; power button disabled; pop ax
  label("not-deaf"),
  [0x3c, 0x63, 0x75, to("echo")], // "c"
  [0xfe, 0x06, at("counter"), 0xa0, at("counter")], // al = ++counter
  label("echo"),
  [0xe8, at("call:put"), 0xeb, to("read")],
  label("off"),
  [0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4], // sleep type 0 (S5), sleep enable
  [0xeb, 0xfe],
  label("put"),
  0x50, // push ax
  label("busy"),
  [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x20, 0x74, to("busy")], // transmitter empty?
  [0x58, 0xba, 0xf8, 0x03, 0xee, 0xc3], // pop ax; send; ret
  label("counter"),
  0x40,
  label("greeting"),
  [...Buffer.from("TINY GUEST UP\r\n\0")],
];

const sizeOf = (piece: Piece): number =>
  typeof piece === "number" || "jumpTo" in piece ? 1 : "address" in piece ? 2 : 0;

/** The bytes of a raw disk image of one mebibyte that boots it. */
export function tinyGuestImage(): Buffer {
  const labels = new Map<string, number>();
  const pieces = PROGRAM.flat();
  let position = 0;
  for (const piece of pieces) {
    if (typeof piece === "object" && "label" in piece) labels.set(piece.label, position);
    position += sizeOf(piece);
  }
  const where = (name: string): number => {
    const found = labels.get(name);
    if (found === undefined) throw new Error(`no label ${name}`);
    return found;
  };
  const image = Buffer.alloc(1024 * 1024);
  position = 0;
  for (const piece of pieces) {
    const next = position + sizeOf(piece);
    if (typeof piece === "number") image.writeUInt8(piece, position);
    else if ("jumpTo" in piece) image.writeInt8(where(piece.jumpTo) - next, position);
    else if ("address" in piece && piece.address.startsWith("call:"))
      image.writeInt16LE(where(piece.address.slice(5)) - next, position);
    else if ("address" in piece) image.writeUInt16LE(ORIGIN + where(piece.address), position);
    position = next;
  }
  image.writeUInt16LE(0xaa55, 510);
  return image;
}
