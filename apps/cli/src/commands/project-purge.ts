import { conflict, invalid, notFound } from "@andromede/base/errors";
import { isObject, parseJson } from "@andromede/base/json";
import { waitUntil } from "@andromede/base/waiting";
import { createCloud } from "@andromede/openstack-client/client";
import { createHttp } from "@andromede/openstack-client/http";

import { operatorCredentials } from "../cloud/accounts.ts";
import { confirmByName } from "../confirm.ts";
import { readPasswords } from "../instance/secrets.ts";
import type { ProjectPurgeCommand } from "../options.ts";
import { report, reportJson, say, table } from "../output.ts";
import { planeUrl } from "../units/plane-urls.ts";
import { openInstance } from "./opened-instance.ts";

type Purge = {
  project_id: string;
  project_name: string;
  status: "purging" | "purged";
  found: { [className: string]: number };
  remaining: { [className: string]: number };
  reason: string | null;
};

const PATIENCE_MS = 3_600_000;

/** `andromede project purge PROJECT`: asks the control plane for it, and stays until nothing of the project is left. */
export async function projectPurge(command: ProjectPurgeCommand): Promise<number> {
  const instance = await openInstance(command);
  const credentials = operatorCredentials(instance, await readPasswords(instance.paths));
  const http = createHttp(credentials.caFile === undefined ? {} : { caFile: credentials.caFile });
  const cloud = createCloud(credentials, http);
  const purges = async (method: string, path: string, body?: unknown): Promise<Purge> => {
    const { token } = await cloud.session();
    const answer = await http.send({
      method,
      url: `${planeUrl(instance, "operator")}/operator/v1/project-purges${path}`,
      headers: { "x-auth-token": token, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = answer.body.toString("utf8");
    if (answer.status >= 400) throw conflict(messageIn(text));
    return (parseJson(text, "the answer") as { project_purge: Purge }).project_purge;
  };
  try {
    const project = await findProject(cloud, command.project);
    if (!command.yes) await confirm(project);
    let said = "";
    await purges("POST", "", { project_purge: { project_id: project.id } });
    const done = await waitUntil(
      "the purge's end",
      async () => {
        const purge = await purges("GET", `/${project.id}`);
        const line = Object.entries(purge.remaining)
          .map(([name, count]) => `${count} ${name}`)
          .join(", ");
        if (line !== said && purge.status === "purging") say(`left: ${(said = line)}`);
        return purge.status === "purged" ? purge : undefined;
      },
      { timeoutMs: PATIENCE_MS, everyMs: 500 },
    );
    if (command.json) reportJson(done);
    else report(table(Object.entries(done.found).map(([name, count]) => [name, `${count} removed`])));
    return 0;
  } finally {
    cloud.close();
  }
}

type Named = { id: string; name: string };

/** By id or by name; also one that is deleted already, by its id. */
async function findProject(cloud: ReturnType<typeof createCloud>, word: string): Promise<Named> {
  const { projects } = await cloud.call<{ projects: Named[] }>("identity", "GET", "/projects");
  const named = projects.filter(({ id, name }) => id === word || name === word);
  if (named.length > 1)
    throw invalid(`several projects are called ${word}: ${named.map(({ id }) => id).join(", ")}; say which by its id`);
  if (named[0] !== undefined) return named[0];
  if (!/^[0-9a-f]{32}$/.test(word)) throw notFound(`there is no project ${word}`);
  return { id: word, name: word };
}

const confirm = ({ id, name }: Named): Promise<void> =>
  confirmByName(
    name,
    `Delete everything that project ${name} (${id}) owns: servers, volumes, images, networks, keys?`,
    "project purge deletes all that a project owns; say --yes where nobody can be asked",
  );

function messageIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (isObject(body) && isObject(body["error"])) return String(body["error"]["message"]);
  } catch {
    // not JSON: said as it is
  }
  return text;
}
