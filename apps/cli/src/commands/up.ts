import type { UpCommand } from "../options.ts";
import { duration, report, reportJson, say, table } from "../output.ts";
import { planeUrl } from "../units/plane-urls.ts";
import { type BroughtUp, bringUp } from "./bring-up.ts";

/** `andromede up`. */
export async function up(command: UpCommand): Promise<number> {
  const start = performance.now();
  const done = await bringUp(command);
  const ms = Math.round(performance.now() - start);
  if (command.json) reportJson(summary(done, ms));
  else {
    say(`\nup in ${duration(ms)}`);
    report(nextSteps(done));
  }
  return 0;
}

/** What `up --json` and `demo --json` say of the cloud. Pure. */
export function summary({ stack, timings }: BroughtUp, ms: number): object {
  const { config, paths } = stack;
  return {
    instance: config.instance,
    directory: paths.directory,
    backend: config.backend,
    customerUrl: planeUrl(stack, "customer"),
    operatorUrl: planeUrl(stack, "operator"),
    cloudsYaml: paths.cloudsYaml,
    ms,
    steps: timings.map(({ step, ms: taken }) => ({ step, ms: Math.round(taken) })),
  };
}

/** How to go on from here. Pure. */
export function nextSteps({ stack }: Pick<BroughtUp, "stack">): string {
  const { paths, config } = stack;
  const where = `${config.instance === "andromede" ? "" : ` --instance ${config.instance}`}${paths.data === "/var/lib/andromede" ? "" : ` --data ${paths.data}`}`;
  return table([
    ["customers", planeUrl(stack, "customer")],
    ["operators", planeUrl(stack, "operator")],
    ["clouds.yaml", paths.cloudsYaml],
    ["try", `eval "$(./andromede env${where})" && openstack flavor list`],
    ["or", `OS_CLIENT_CONFIG_FILE=${paths.cloudsYaml} openstack --os-cloud andromede server list`],
  ]);
}
