/** What the server figures need: a network, a flavor, an image, and servers made and unmade. */
import type { BenchCloud } from "./cloud.ts";
import type { Connection } from "./http.ts";

export type Stage = { connection: Connection; networkId: string; imageId: string; flavorId: string };

async function call<T>(
  cloud: BenchCloud,
  connection: Connection,
  method: string,
  url: string,
  body?: unknown,
): Promise<T> {
  const answer = await connection.call(method, url, { token: cloud.token, body });
  if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${answer.text.slice(0, 300)}`);
  return (answer.text === "" ? undefined : JSON.parse(answer.text)) as T;
}

/** Room for every bench, a network of its own, the image and flavor that `up` brought. */
export async function setStage(cloud: BenchCloud): Promise<Stage> {
  const connection = cloud.connect();
  const { compute = "", network = "", image = "" } = cloud.endpoints;
  const { id } = cloud.project;
  await call(cloud, connection, "PUT", `${compute}/os-quota-sets/${id}`, {
    quota_set: { instances: -1, cores: -1, ram: -1 },
  });
  await call(cloud, connection, "PUT", `${network}/v2.0/quotas/${id}`, {
    quota: { port: -1, network: -1, subnet: -1 },
  });
  const made = await call<{ network: { id: string } }>(cloud, connection, "POST", `${network}/v2.0/networks`, {
    network: { name: "bench" },
  });
  await call(cloud, connection, "POST", `${network}/v2.0/subnets`, {
    subnet: { network_id: made.network.id, ip_version: 4, cidr: "10.180.0.0/16", name: "bench" },
  });
  const { images } = await call<{ images: { id: string; name: string }[] }>(
    cloud,
    connection,
    "GET",
    `${image}/v2/images?name=mini`,
  );
  const { flavors } = await call<{ flavors: { id: string; name: string }[] }>(
    cloud,
    connection,
    "GET",
    `${compute}/flavors`,
  );
  const flavor = flavors.find((one) => one.name === "mini.tiny");
  if (images[0] === undefined || flavor === undefined)
    throw new Error("the image mini or the flavor mini.tiny is not there");
  return { connection, networkId: made.network.id, imageId: images[0].id, flavorId: flavor.id };
}

export async function postServer(
  cloud: BenchCloud,
  stage: Stage,
  connection: Connection,
  name: string,
): Promise<string> {
  const body = {
    server: { name, imageRef: stage.imageId, flavorRef: stage.flavorId, networks: [{ uuid: stage.networkId }] },
  };
  const { server } = await call<{ server: { id: string } }>(
    cloud,
    connection,
    "POST",
    `${cloud.endpoints["compute"] ?? ""}/servers`,
    body,
  );
  return server.id;
}

/** Asks every few milliseconds; the status it ended in. */
export async function untilBuilt(cloud: BenchCloud, connection: Connection, id: string): Promise<string> {
  const url = `${cloud.endpoints["compute"] ?? ""}/servers/${id}`;
  const deadline = performance.now() + 120_000;
  for (;;) {
    const { server } = await call<{ server: { status: string } }>(cloud, connection, "GET", url);
    if (server.status !== "BUILD" || performance.now() > deadline) return server.status;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

export async function removeServer(cloud: BenchCloud, connection: Connection, id: string): Promise<void> {
  const url = `${cloud.endpoints["compute"] ?? ""}/servers/${id}`;
  await connection.call("DELETE", url, { token: cloud.token });
  while ((await connection.call("GET", url, { token: cloud.token })).status !== 404) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
