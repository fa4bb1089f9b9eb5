/** What requests say of servers, in our own words. */
import { randomInt } from "node:crypto";

import { invalid } from "@andromede/base/errors";

/** What Nova takes and we do not: said, rather than ignored. */
export function refuseUnsupported(server: {
  personality?: object[];
  trusted_image_certificates?: string[] | null;
}): void {
  if ((server.personality ?? []).length > 0) {
    throw invalid("Personality files are not supported here. Pass them in user_data instead.");
  }
  if ((server.trusted_image_certificates ?? []).length > 0) {
    throw invalid("Image signature certificates are not supported here.");
  }
}

/** Decoded when the guest is told; here only whether it can be. */
export function toUserData(text: string | null | undefined): string | null {
  if (text === undefined || text === null) return null;
  const packed = text.replaceAll(/\s/g, "");
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) {
    throw invalid("Invalid input for field/attribute user_data. Value is not a 'base64'", {
      field: "server.user_data",
    });
  }
  return packed === "" ? null : packed;
}

/** The id in a reference, which may be a URL. */
export const lastSegment = (reference: string): string => reference.slice(reference.lastIndexOf("/") + 1);
export const emptyToNull = (text: string | null | undefined): string | null =>
  text === undefined || text === "" ? null : text;

/** The short form that the API answers with: `2001:db8::1`. */
export function canonicalV6(text: string | null | undefined): string | null {
  const address = emptyToNull(text);
  if (address === null) return null;
  const [plain = ""] = address.split("%");
  return new URL(`http://[${plain}]/`).hostname.slice(1, -1);
}

/** Twelve characters, none of which can be taken for another. */
export function makePassword(): string {
  const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  return Array.from({ length: 12 }, () => letters[randomInt(letters.length)]).join("");
}
