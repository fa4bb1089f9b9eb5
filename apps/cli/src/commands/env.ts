import { environmentOf, demoCredentials, operatorCredentials, shellExports } from "../cloud/accounts.ts";
import { readPasswords } from "../instance/secrets.ts";
import { report, reportJson } from "../output.ts";
import { openInstance } from "./opened-instance.ts";

/** `andromede env [--operator]`. */
export async function env(command: {
  instance: string;
  data: string;
  json: boolean;
  operator: boolean;
}): Promise<number> {
  const instance = await openInstance(command);
  const passwords = await readPasswords(instance.paths);
  const credentials = command.operator
    ? operatorCredentials(instance, passwords)
    : demoCredentials(instance, passwords);
  const environment = environmentOf(credentials, instance.config.region);
  if (command.json) reportJson(environment);
  else report(shellExports(environment));
  return 0;
}
