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
  const run: Run = { timings, started: [], failure: undefined };
  const interactive = process.stderr.isTTY === true;
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const common = { concurrent: false, exitOnError: true, registerSignalListeners: false } as const;
  const tasks = interactive
    ? new Listr(toTasks(plan, run), {
        ...common,
        renderer: "default",
        forceTTY: true,
        rendererOptions: { logger, collapseSubtasks: false },
      })
    : new Listr(toTasks(plan, run), { ...common, renderer: "simple", rendererOptions: { logger } });
  try {
    await tasks.run();
  } catch (error) {
    // Those that ran beside the one that failed must not be left working behind the caller's back.
    await Promise.allSettled(run.started);
    throw run.failure?.cause ?? error;
  }
}

type Run = { timings: Timing[]; started: Promise<unknown>[]; failure: { cause: unknown } | undefined };
type Task = ListrTask<object, ListrRendererFactory, ListrRendererFactory>;

function toTasks(plan: Plan, run: Run): Task[] {
  return plan.map((entry): Task => {
    if ("run" in entry) return { title: entry.title, task: (_context, task) => runStep(entry, task, run) };
    const concurrent = "together" in entry;
    const inside = concurrent ? entry.together : entry.series;
    return { title: entry.title, task: (_context, task) => task.newListr(toTasks(inside, run), { concurrent }) };
  });
}

async function runStep(step: Step, shown: { title?: unknown; output?: unknown }, run: Run): Promise<void> {
  if (run.failure !== undefined) throw new Error("not begun: another step has failed");
  const start = performance.now();
  try {
    const work = step.run((text) => (shown.output = text));
    run.started.push(work);
    const result = await work;
    run.timings.push({ step: step.title, ms: performance.now() - start });
    const text = typeof result === "string" && result !== "" ? result : step.result;
    if (text !== undefined) shown.title = `${step.title}: ${text}`;
  } catch (cause) {
    run.failure ??= { cause };
    // Listr repeats the message at every level above: one line is enough there, the whole is told at the end.
    throw new Error(messageOf(cause).split("\n")[0]?.slice(0, 160), { cause });
  }
}
