/** Ten thousand servers without waiting for each: copies of one that the API made, written by SQL. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { type BenchCloud, engineRootOf } from "./cloud.ts";

function sql(cloud: BenchCloud, statement: string): string {
  const directory = join(cloud.data, cloud.instance);
  const jail = [
    "--ro-bind",
    engineRootOf(cloud),
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--tmpfs",
    "/tmp",
    "--tmpfs",
    "/var/tmp",
    "--bind",
    directory,
    directory,
  ];
  const psql = ["psql", "-h", join(directory, "run/postgres"), "-U", "postgres", "-d", "andromede", "-Atc", statement];
  return execFileSync("bwrap", [...jail, "--setenv", "PATH", "/usr/lib/postgresql/17/bin:/usr/bin", "--", ...psql], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

/** Columns that can be written, those in `changed` replaced by an expression of n. */
function copyOf(cloud: BenchCloud, table: string, changed: { [column: string]: string }): string {
  const columns = sql(
    cloud,
    `select string_agg(column_name, ',' order by ordinal_position) from information_schema.columns
     where table_schema = 'public' and table_name = '${table}' and is_generated = 'NEVER' and is_identity = 'NO'`,
  ).split(",");
  return `insert into ${table} (${columns.join(", ")}) select ${columns.map((name) => changed[name] ?? `t.${name}`).join(", ")}
    from ${table} t`;
}

/** An id out of two numbers, as a UUID. */
const id = (kind: number, n: string): string => `('${kind}0000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0'))`;

/** `count` servers with `ports` interfaces each, like the one given. They are on a host that nobody asks. */
export function seedServers(cloud: BenchCloud, like: { serverId: string; count: number; ports: number }): void {
  const { serverId, count, ports } = like;
  sql(
    cloud,
    `${copyOf(cloud, "server", {
      id: id(1, "n"),
      name: "'seed-' || n",
      host: "'elsewhere'",
      created_at: "t.created_at - n * interval '1 second'",
    })}, generate_series(1, ${count}) n where t.id = '${serverId}'`,
  );
  sql(
    cloud,
    `${copyOf(cloud, "port", {
      id: id(2, `n * ${ports} + p`),
      mac_address: `'fa:16:' || regexp_replace(lpad(to_hex(n * ${ports} + p), 8, '0'), '(..)(..)(..)(..)', '\\1:\\2:\\3:\\4')`,
      device_id: id(1, "n"),
      server_id: id(1, "n"),
      host_id: "'elsewhere'",
      fixed_ips: `jsonb_build_array(jsonb_build_object('subnet_id', t.fixed_ips->0->>'subnet_id', 'ip_address',
        host('10.180.0.0'::inet + 300 + n * ${ports} + p)))`,
    })}, generate_series(1, ${count}) n, generate_series(0, ${ports - 1}) p where t.server_id = '${serverId}'`,
  );
  sql(cloud, "analyze");
}

/** Ports that OVN's northbound database does not have as they should be. */
export const portsBehind = (cloud: BenchCloud): number =>
  Number(sql(cloud, "select count(*) from port where observed_revision is distinct from revision_number"));
