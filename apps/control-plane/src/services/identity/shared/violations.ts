/** What PostgreSQL says when a constraint stops a row: the fact is known there, whoever came first. */
const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && error.name === "PostgresError" ? String((error as { code?: unknown }).code) : undefined;

export const isDuplicate = (error: unknown): boolean => codeOf(error) === "23505";
export const isDangling = (error: unknown): boolean => codeOf(error) === "23503";

/** Runs a statement; turns a constraint's refusal into the given error. */
export async function refusing<T>(
  statement: Promise<T>,
  errors: { duplicate?: (cause: unknown) => Error; dangling?: (cause: unknown) => Error },
): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (isDuplicate(error) && errors.duplicate !== undefined) throw errors.duplicate(error);
    if (isDangling(error) && errors.dangling !== undefined) throw errors.dangling(error);
    throw error;
  }
}
