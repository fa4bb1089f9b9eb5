/** A cloud of the bench's own: brought up, asked, and purged. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Connection, openConnection } from "./http.ts";

const ANDROMEDE = join(import.meta.dirname, "../../andromede");

export type BenchCloud = {
  data: string;
  instance: string;
  caFile: string | undefined;
  environment: { [name: string]: string };
  /** catalog type -> public URL, as a token says them. */
  endpoints: { [type: string]: string };
  token: string;
  project: { id: string };
  connect(): Connection;
  andromede(...args: string[]): string;
};

/** `up` with the given flags; the operator's account, whose quotas a bench may raise. */
export async function startCloud(instance: string, flags: string[]): Promise<BenchCloud> {
  const data = process.env["ANDROMEDE_BENCH_DATA"] ?? mkdtempSync(join(tmpdir(), "andromede-bench-"));
  const andromede = (...args: string[]): string =>
    execFileSync(ANDROMEDE, [...args, "--instance", instance, "--data", data], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
  andromede("up", ...flags);
  const environment = Object.fromEntries(
    [...andromede("env", "--operator").matchAll(/^export (OS_\w+)=['"]?([^'"\n]*)['"]?$/gm)].map((found) => [
      found[1] ?? "",
      found[2] ?? "",
    ]),
  );
  const caFile = environment["OS_CACERT"];
  const connect = (): Connection => openConnection(caFile);
  const connection = connect();
  const { token, endpoints, project } = await signIn(connection, environment);
  connection.close();
  return { data, instance, caFile, environment, endpoints, token, project, connect, andromede };
}

/** The engine root that the cloud runs in. */
export function engineRootOf(cloud: BenchCloud): string {
  const engines = join(cloud.data, "engines");
  const root = readdirSync(engines).find((name) => !name.includes("."));
  if (root === undefined) throw new Error("no engine root");
  return join(engines, root);
}

/** The body of a sign-in by password, scoped to the project. */
export function signInBody(environment: { [name: string]: string }): object {
  const domain = (kind: "USER" | "PROJECT"): object => {
    const id = environment[`OS_${kind}_DOMAIN_ID`];
    return id === undefined ? { name: environment[`OS_${kind}_DOMAIN_NAME`] } : { id };
  };
  return {
    auth: {
      identity: {
        methods: ["password"],
        password: {
          user: { name: environment["OS_USERNAME"], password: environment["OS_PASSWORD"], domain: domain("USER") },
        },
      },
      scope: { project: { name: environment["OS_PROJECT_NAME"], domain: domain("PROJECT") } },
    },
  };
}

export const tokensUrl = (environment: { [name: string]: string }): string =>
  `${environment["OS_AUTH_URL"] ?? ""}/auth/tokens`;

async function signIn(connection: Connection, environment: { [name: string]: string }) {
  const answer = await connection.call("POST", tokensUrl(environment), { body: signInBody(environment) });
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${answer.text}`);
  const { token } = JSON.parse(answer.text) as {
    token: { project: { id: string }; catalog: { type: string; endpoints: { interface: string; url: string }[] }[] };
  };
  const endpoints = Object.fromEntries(
    token.catalog.map((service) => [
      service.type,
      service.endpoints.find((one) => one.interface === "public")?.url ?? "",
    ]),
  );
  return { token: String(answer.headers["x-subject-token"]), endpoints, project: token.project };
}
