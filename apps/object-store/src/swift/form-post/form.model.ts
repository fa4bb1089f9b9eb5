/** Forms that upload: their fields and what of them is signed. Pure. */
import { readSignature, ALLOWED_DIGESTS, type DigestName } from "../temp-url/temp-url.model.ts";

export type FormFields = { [name: string]: string };

/** `form-data; name="file1"; filename="a.txt"` -> its words. Quoted values may hold escaped quotes. */
export function parseHeaderValue(value: string): { first: string; parameters: FormFields } {
  const [first = ""] = value.split(";", 1);
  const parameters: FormFields = {};
  for (const [, name = "", quoted, bare] of value.matchAll(/;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g))
    parameters[name.toLowerCase()] = quoted === undefined ? (bare ?? "") : quoted.replace(/\\(["\\])/g, "$1");
  return { first: first.trim().toLowerCase(), parameters };
}

export const signedForm = (path: string, fields: FormFields): string =>
  [
    path,
    fields["redirect"] || "",
    fields["max_file_size"] || "0",
    fields["max_file_count"] || "0",
    fields["expires"] || "0",
  ].join("\n");

export function formSignature(fields: FormFields): { digest: DigestName; hex: string } | null {
  const signature = readSignature(fields["signature"] ?? "");
  return signature !== null && ALLOWED_DIGESTS.includes(signature.digest) ? signature : null;
}

/** null: no integer. */
export function formInteger(fields: FormFields, name: string): number | null {
  const text = fields[name] || "0";
  return /^\s*[+-]?\d+\s*$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}
