/** `andromede`: reads the command line, runs one command, says how it went. The exit code is the command's, or 1. */
import { CloudError } from "@andromede/base/errors";

import { demo } from "./commands/demo.ts";
import { down } from "./commands/down.ts";
import { env } from "./commands/env.ts";
import { eventsVerify } from "./commands/events-verify.ts";
import { imageBuild } from "./commands/image-build.ts";
import { projectPurge } from "./commands/project-purge.ts";
import { status } from "./commands/status.ts";
import { runTests } from "./commands/test.ts";
import { up } from "./commands/up.ts";
import { closeInherited } from "./inherited.ts";
import { type Command, USAGE, parseCommandLine } from "./options.ts";
import { report, reportJson, sayError } from "./output.ts";

function run(command: Command): Promise<number> | number {
  switch (command.command) {
    case "up":
      return up(command);
    case "demo":
      return demo(command);
    case "status":
      return status(command);
    case "env":
      return env(command);
    case "down":
      return down(command);
    case "image-build":
      return imageBuild(command);
    case "events-verify":
      return eventsVerify(command);
    case "project-purge":
      return projectPurge(command);
    case "test":
      return runTests(command);
    case "help":
      report(USAGE);
      return 0;
    default:
      throw new TypeError(`unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

closeInherited();
try {
  process.exitCode = await run(parseCommandLine(process.argv.slice(2)));
} catch (error) {
  // who asked for JSON reads the error from standard output too
  if (process.argv.includes("--json")) reportJson({ error: error instanceof Error ? error.message : String(error) });
  sayError(error);
  process.exitCode = error instanceof CloudError && error.kind === "invalid" ? 2 : 1;
}
