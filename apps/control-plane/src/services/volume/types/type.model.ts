/** What a volume type is. Pure. */

/** What an operator may say of a type's encryption. Every volume is encrypted with LUKS all the same. */
export type Encryption = {
  id: string;
  provider: string;
  cipher: string | null;
  keySize: number | null;
  controlLocation: string;
};

export type VolumeType = {
  id: string;
  name: string;
  description: string | null;
  isPublic: boolean;
  extraSpecs: { [key: string]: string };
  qosSpecsId: string | null;
  encryption: Encryption | null;
  createdAt: Date;
  updatedAt: Date | null;
};

/** How every volume is encrypted, whatever its type says. */
export const LUKS = {
  provider: "luks",
  cipher: "aes-xts-plain64",
  keySize: 256,
  controlLocation: "front-end",
} as const;

/** `multiattach: "<is> True"`: several servers may have a volume of this type. */
export const isMultiattach = ({ extraSpecs }: Pick<VolumeType, "extraSpecs">): boolean =>
  /^\s*<is>\s*true\s*$/i.test(extraSpecs["multiattach"] ?? "");

/** Microversion 3.52: the zones that volumes of this type may be in; null: all. */
export function zonesOf({ extraSpecs }: Pick<VolumeType, "extraSpecs">): string[] | null {
  const text = extraSpecs["RESKEY:availability_zones"];
  if (text === undefined) return null;
  return text
    .split(",")
    .map((zone) => zone.trim())
    .filter((zone) => zone !== "");
}
