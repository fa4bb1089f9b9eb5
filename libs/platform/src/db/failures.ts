/** What an error of the database is worth to whoever asked for something: said once, for every program. */

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/** SQLSTATE class 22: a value PostgreSQL cannot hold. Our schemas should have said so first: worth a look in the log. */
export const isDataException = (error: unknown): boolean =>
  error instanceof Error && error.name === "PostgresError" && codeOf(error).startsWith("22");

/** The database is away, starting, full of connections or out of room: it is not the request's fault, and it will pass. */
const AWAY =
  /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED)|57P0[1-5]|08[0-9A-Z]{3}|53[0-9A-Z]{3})$/;
export const isDatabaseAway = (error: unknown): boolean =>
  AWAY.test(codeOf(error)) &&
  ((error as Error).name === "PostgresError" ||
    codeOf(error).startsWith("CONNECT") ||
    ["connect", "read", "write"].includes(String((error as { syscall?: unknown }).syscall)));
