/** Where the CLI's words go: reports to standard output, all else to standard error. */
import { causeChain } from "@andromede/base/errors";

export const report = (text: string): void => void process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
export const reportJson = (value: unknown): void => report(JSON.stringify(value, null, 2));
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** An error in full, for the person at the terminal. */
export function sayError(error: unknown): void {
  const [first = "failed", ...causes] = causeChain(error);
  say(`andromede: ${first.replace(/^(CloudError|Error|ListrError): /, "")}`);
  for (const cause of causes) say(`  because: ${cause}`);
}

/** Columns as wide as they need to be. Pure. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** 1.4 s, 350 ms, 2 min 05 s. Pure. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return `${minutes} min ${String(Math.round((ms - minutes * 60_000) / 1_000)).padStart(2, "0")} s`;
}
