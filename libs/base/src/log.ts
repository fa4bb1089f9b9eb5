import { type DestinationStream, type Logger as PinoLogger, destination, pino } from "pino";

import { causeChain } from "./errors.ts";

/** JSON lines on standard error (or a given stream). `log.error({ error }, "...")` prints the whole cause chain. */
export type Logger = PinoLogger;

export function createLogger(program: string, options: { level?: string; stream?: DestinationStream } = {}): Logger {
  return pino(
    {
      base: { program, pid: process.pid },
      level: options.level ?? process.env["ANDROMEDE_LOG_LEVEL"] ?? "info",
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: {
        error: (error: unknown) => ({
          chain: causeChain(error),
          stack: error instanceof Error ? error.stack : undefined,
        }),
      },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
}

/** Says nothing: for unit tests. */
export const silentLogger: Logger = pino({ level: "silent" });
