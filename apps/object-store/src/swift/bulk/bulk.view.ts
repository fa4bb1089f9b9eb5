/** What operations on many things answer with: Swift's text, JSON or XML. Pure. */
import { bestMatch } from "../wire/accept.ts";
import { escapeMarkup } from "../wire/text.ts";

export type BulkFormat = "text/plain" | "application/json" | "application/xml" | "text/xml";
const FORMATS: BulkFormat[] = ["text/plain", "application/json", "application/xml", "text/xml"];

/** What failed: a quoted name, and a status line or words. */
export type BulkError = [name: string, status: string];
export type BulkResult = { [name: string]: string | number };

/** null: nothing that the client would take. */
export function bulkFormat(accept: string | undefined): BulkFormat | null {
  try {
    return bestMatch(accept, FORMATS) as BulkFormat | null;
  } catch {
    return null;
  }
}

export function bulkBody(format: BulkFormat, result: BulkResult, errors: readonly BulkError[], root: string): string {
  if (format === "application/json") return JSON.stringify({ ...result, Errors: errors });
  const names = Object.keys(result).toSorted();
  if (format === "text/plain") {
    const lines = names.map((name) => `${name}: ${result[name]}\n`).join("");
    return `${lines}Errors:\n${errors.map(([name, status]) => `${name}, ${status}\n`).join("")}`;
  }
  let xml = `<${root}>\n`;
  for (const name of names) {
    const tag = name.replaceAll(" ", "_").toLowerCase();
    xml += `<${tag}>${escapeMarkup(String(result[name]))}</${tag}>\n`;
  }
  xml += "<errors>\n";
  for (const [name, status] of errors)
    xml += `<object><name>${escapeMarkup(name)}</name><status>${escapeMarkup(status)}</status></object>\n`;
  return `${xml}</errors>\n</${root}>\n`;
}

/** XML's declaration must come before the blanks that keep a connection alive. */
export const firstBeat = (format: BulkFormat): string =>
  format.endsWith("/xml") ? '<?xml version="1.0" encoding="UTF-8"?>\n' : " ";
