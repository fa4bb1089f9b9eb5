/** The command line, read whole before anything is done. Pure. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { CloudError, invalid } from "@andromede/base/errors";

import { DEFAULT_DATA_DIRECTORY, DEFAULT_INSTANCE } from "./instance/paths.ts";

type Common = { instance: string; data: string; json: boolean };
export type UpFlags = {
  simulated: boolean;
  hosts?: number;
  delayMs?: number;
  plainHttp: boolean;
  images: boolean;
  objectStore: boolean;
  settings?: string;
};
export type UpCommand = Common & { command: "up" } & UpFlags;
export type DemoCommand = Common & { command: "demo" } & UpFlags;
export type DownCommand = Common & {
  command: "down";
  keepGuests: boolean;
  purge: boolean;
  keepEngines: boolean;
  yes: boolean;
};
export type ProjectPurgeCommand = Common & { command: "project-purge"; project: string; yes: boolean };
export type TestCommand = Common & { command: "test"; suites: string[] };
export type Command =
  | UpCommand
  | DemoCommand
  | DownCommand
  | TestCommand
  | (Common & { command: "status" })
  | (Common & { command: "env"; operator: boolean })
  | (Common & { command: "image-build"; name: string })
  | (Common & { command: "events-verify" })
  | ProjectPurgeCommand
  | (Common & { command: "help" });

export const DEFAULT_TEST_DATA_DIRECTORY = "/var/tmp/andromede-test";
/** What `test` runs. */
export const SUITES = ["check", "unit", "db", "contract", "e2e"];
/** What it runs when it is named. */
export const LONG_SUITES = ["slow", "interop"];

export const USAGE = `usage: andromede COMMAND [--instance NAME] [--data DIR] [--json]

  up                      bring the cloud up, or to its wanted state; may run at any time, again and again
      --simulated         simulated hosts in the place of QEMU (--hosts N, --delay-ms N); its own projects have no quotas
      --plain-http        no TLS: for benchmarks on loopback only
      --no-images         do not build and register the images
      --no-object-store   (first up only) a cloud without object storage
      --settings FILE     limits and rules of the services (JSON; docs/how-to/operate.md), kept until another file is given
  demo                    up, then a server with a floating IP and a login over SSH
  status                  every program and engine: state, pid, memory, since when
  env [--operator]        shell exports of the OS_* variables
  down                    shut guests down, then stop everything; "up" starts again what ran
      --keep-guests       leave guests and what they need running
      --purge             delete everything of the instance (asks, or --yes)
      --keep-engines      with --purge: leave the engine root and built images, even with the last instance
  image build NAME        build a bootable image: mini, debian-13
  project purge PROJECT   remove everything a project owns, then the project (its name or id; asks, or --yes)
  events verify           recompute the event log from the database
  test [SUITE...]         run the suites (${SUITES.join(", ")}; or ${LONG_SUITES.join(", ")}, if named)

  --instance NAME         default ${DEFAULT_INSTANCE}; several run side by side
  --data DIR              default ${DEFAULT_DATA_DIRECTORY} (test: ${DEFAULT_TEST_DATA_DIRECTORY})
  --json                  report as JSON on standard output
`;

const OPTIONS = {
  instance: { type: "string" },
  data: { type: "string" },
  json: { type: "boolean" },
  simulated: { type: "boolean" },
  hosts: { type: "string" },
  "delay-ms": { type: "string" },
  "plain-http": { type: "boolean" },
  "no-images": { type: "boolean" },
  "no-object-store": { type: "boolean" },
  settings: { type: "string" },
  operator: { type: "boolean" },
  "keep-guests": { type: "boolean" },
  purge: { type: "boolean" },
  "keep-engines": { type: "boolean" },
  yes: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Values = { [name in keyof typeof OPTIONS]?: string | boolean | undefined };

const ALWAYS = ["instance", "data", "json", "help"];
const UP = ["simulated", "hosts", "delay-ms", "plain-http", "no-images", "no-object-store", "settings"];
const ALLOWED: { [command: string]: string[] } = {
  up: UP,
  demo: UP,
  env: ["operator"],
  project: ["yes"],
  down: ["keep-guests", "purge", "keep-engines", "yes"],
};

/** What the words ask for; throws `invalid` with a message for the person who typed them. */
export function parseCommandLine(words: string[]): Command {
  const { values, positionals } = parseWords(words);
  const [name = "help", ...rest] = positionals;
  const data =
    typeof values.data === "string"
      ? values.data
      : name === "test"
        ? DEFAULT_TEST_DATA_DIRECTORY
        : DEFAULT_DATA_DIRECTORY;
  const common: Common = {
    instance: typeof values.instance === "string" ? values.instance : DEFAULT_INSTANCE,
    data: resolve(data),
    json: values.json === true,
  };
  if (values.help === true) return { ...common, command: "help" };
  refuseForeignOptions(name, values);
  return commandOf(name, rest, values, common);
}

function commandOf(name: string, rest: string[], values: Values, common: Common): Command {
  switch (name) {
    case "up":
    case "demo":
      return { ...common, command: noWords(name, rest), ...upFlags(values) };
    case "status":
    case "help":
      return { ...common, command: noWords(name, rest) };
    case "env":
      return { ...common, command: noWords(name, rest), operator: values.operator === true };
    case "down":
      return { ...common, command: noWords(name, rest), ...downFlags(values) };
    case "test":
      return { ...common, command: "test", suites: suitesOf(rest) };
    case "image":
      return { ...common, command: "image-build", name: wordAfter(rest, "build", "image build NAME") };
    case "project":
      return {
        ...common,
        command: "project-purge",
        project: wordAfter(rest, "purge", "project purge PROJECT"),
        yes: values.yes === true,
      };
    case "events":
      if (rest.join(" ") !== "verify") throw invalid("usage: andromede events verify");
      return { ...common, command: "events-verify" };
    default:
      throw invalid(`unknown command "${name}"; andromede help lists them`);
  }
}

function parseWords(words: string[]): { values: Values; positionals: string[] } {
  try {
    return parseArgs({ args: words, options: OPTIONS, allowPositionals: true, strict: true });
  } catch (cause) {
    throw cause instanceof CloudError
      ? cause
      : invalid(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function refuseForeignOptions(name: string, values: Values): void {
  const allowed = [...ALWAYS, ...(ALLOWED[name] ?? [])];
  const foreign = Object.entries(values).find(([option, value]) => value !== undefined && !allowed.includes(option));
  if (foreign !== undefined) throw invalid(`"${name}" has no option --${foreign[0]}`);
}

/** The one word that follows `verb`. */
function wordAfter([first, word, ...more]: string[], verb: string, usage: string): string {
  if (first !== verb || word === undefined || more.length > 0) throw invalid(`usage: andromede ${usage}`);
  return word;
}

function noWords<Name extends string>(name: Name, rest: string[]): Name {
  if (rest.length > 0) throw invalid(`"${name}" takes no further words: ${rest.join(" ")}`);
  return name;
}

function upFlags(values: Values): UpFlags {
  const simulated = values.simulated === true;
  if (!simulated && (values.hosts !== undefined || values["delay-ms"] !== undefined))
    throw invalid("--hosts and --delay-ms go with --simulated");
  const hosts = wholeNumber("hosts", values.hosts, 1, 10_000);
  const delayMs = wholeNumber("delay-ms", values["delay-ms"], 0, 600_000);
  return {
    simulated,
    plainHttp: values["plain-http"] === true,
    images: values["no-images"] !== true,
    objectStore: values["no-object-store"] !== true,
    ...(typeof values.settings === "string" ? { settings: resolve(values.settings) } : {}),
    ...(hosts === undefined ? {} : { hosts }),
    ...(delayMs === undefined ? {} : { delayMs }),
  };
}

function downFlags(values: Values): Pick<DownCommand, "keepGuests" | "purge" | "keepEngines" | "yes"> {
  const flags = {
    keepGuests: values["keep-guests"] === true,
    purge: values.purge === true,
    keepEngines: values["keep-engines"] === true,
    yes: values.yes === true,
  };
  if (flags.keepGuests && flags.purge) throw invalid("--keep-guests and --purge contradict each other");
  if (flags.keepEngines && !flags.purge) throw invalid("--keep-engines goes with --purge");
  return flags;
}

function suitesOf(words: string[]): string[] {
  const all = [...SUITES, ...LONG_SUITES];
  const unknown = words.find((word) => !all.includes(word));
  if (unknown !== undefined) throw invalid(`no suite "${unknown}"; there are ${all.join(", ")}`);
  return words.length === 0 ? SUITES : words;
}

function wholeNumber(
  name: string,
  value: string | boolean | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (typeof value !== "string" || !/^\d+$/.test(value) || number < least || number > most)
    throw invalid(`--${name}: a whole number from ${least} to ${most} is needed`);
  return number;
}
