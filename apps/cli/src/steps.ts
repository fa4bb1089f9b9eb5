/** Steps shown while they run (on standard error, so that standard output stays a report) and timed. */
import { messageOf } from "@andromede/base/errors";
import { Listr, ListrLogger, type ListrRendererFactory, type ListrTask, ProcessOutput } from "listr2";

export type Timing = { step: string; ms: number };
export type Step = {
  title: string;
  /** `tell` shows what it is doing. A text that it gives back is shown beside the title. */
  run: (tell: (text: string) => void) => Promise<unknown>;
  /** What to show beside the title where `run` gives back none. */
  result?: string;
};
/** Steps that run at the same time; inside `series`, one after the other. */
export type Plan = (Step | { title: string; together: Plan } | { title: string; series: Plan })[];

/** Runs a plan to its end or to its first error, which it throws. Adds to `timings` how long each step took. */
export async function runPlan(plan: Plan, timings: Timing[]): Promise<void> {
  const interactive = process.stderr.isTTY === true;
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const common = { concurrent: false, exitOnError: true, registerSignalListeners: false } as const;
  const tasks = interactive
    ? new Listr(toTasks(plan, timings), {
        ...common,
        renderer: "default",
        forceTTY: true,
        rendererOptions: { logger, collapseSubtasks: false },
      })
    : new Listr(toTasks(plan, timings), { ...common, renderer: "simple", rendererOptions: { logger } });
  try {
    await tasks.run();
  } catch (error) {
    throw (typeof error === "object" && error !== null ? causes.get(error) : undefined) ?? error;
  }
}

const causes = new WeakMap<object, unknown>();

function toTasks(plan: Plan, timings: Timing[]): ListrTask<object, ListrRendererFactory, ListrRendererFactory>[] {
  return plan.map((entry): ListrTask<object, ListrRendererFactory, ListrRendererFactory> => {
    if ("together" in entry)
      return {
        title: entry.title,
        task: (_context, task) => task.newListr(toTasks(entry.together, timings), { concurrent: true }),
      };
    if ("series" in entry)
      return {
        title: entry.title,
        task: (_context, task) => task.newListr(toTasks(entry.series, timings), { concurrent: false }),
      };
    return {
      title: entry.title,
      async task(_context, task) {
        const start = performance.now();
        const result = await entry
          .run((text) => (task.output = text))
          .catch((cause: unknown) => {
            // Listr repeats the message at every level above: one line is enough there, the whole is told at the end.
            const brief = new Error(messageOf(cause).split("\n")[0]?.slice(0, 160));
            causes.set(brief, cause);
            throw brief;
          });
        timings.push({ step: entry.title, ms: performance.now() - start });
        const shown = typeof result === "string" && result !== "" ? result : entry.result;
        if (shown !== undefined) task.title = `${entry.title}: ${shown}`;
      },
    };
  });
}
