import { createInterface } from "node:readline/promises";

import { invalid } from "@andromede/base/errors";

/** For what cannot be undone: whoever sits there types the name. `alone`: what is said where nobody does. */
export async function confirmByName(name: string, question: string, alone: string): Promise<void> {
  if (process.stdin.isTTY !== true) throw invalid(alone);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} Type its name: `);
  prompt.close();
  if (answer.trim() !== name) throw invalid("not purged");
}
