/** A unit as systemd's text. Pure. */
import type { Unit } from "@andromede/engines/unit";

import { definitionHash } from "./unit-store.ts";

/** Dashes nest slices (`a-b.slice` is inside `a.slice`), so those of the name are escaped (systemd.slice(5)). */
export const sliceName = (instance: string): string => `${instance.replaceAll("-", "\\x2d")}.slice`;

/** The file name of a unit: `@` would make it an instance of a template. */
export const serviceName = (instance: string, unit: string): string =>
  `${instance}-${unit.replaceAll("@", "-")}.service`;

/** One word of a command line or an assignment, as systemd.syntax(7) and systemd.service(5) want it quoted. */
function quote(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** An environment assignment: `$` stands for itself there. */
const quoteAssignment = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")}"`;

/** The whole `.service` file. */
export function systemdUnit(instance: string, unit: Unit): string {
  const after = unit.after.map((name) => serviceName(instance, name)).join(" ");
  return [
    "# Written by andromede up; changed there, not here.",
    "[Unit]",
    `Description=Andromede ${instance}: ${unit.description}`,
    `X-Andromede-Definition=${definitionHash(unit)}`,
    ...(after === "" ? [] : [`After=${after}`, `Wants=${after}`]),
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `Slice=${sliceName(instance)}`,
    `ExecStart=${unit.argv.map(quote).join(" ")}`,
    ...Object.entries(unit.environment).map(([name, value]) => `Environment=${quoteAssignment(`${name}=${value}`)}`),
    `StandardOutput=append:${unit.log}`,
    `StandardError=append:${unit.log}`,
    "Restart=always",
    "RestartSec=200ms",
    `KillSignal=${unit.stopSignal}`,
    // all that the jail holds, or our process alone: the guests an agent started are not its own
    `KillMode=${unit.kill === "tree" ? "control-group" : "process"}`,
    `TimeoutStopSec=${Math.ceil(unit.stopTimeoutMs / 1000)}`,
    "Delegate=yes",
    "TasksMax=infinity",
    "LimitNOFILE=65536",
    "",
  ].join("\n");
}

/** The slice that holds all units of an instance. */
export const systemdSlice = (instance: string): string =>
  [
    "# Written by andromede up; changed there, not here.",
    "[Unit]",
    `Description=Andromede ${instance}`,
    "",
    "[Slice]",
    "",
  ].join("\n");
