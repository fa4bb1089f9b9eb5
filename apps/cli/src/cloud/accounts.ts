/** The two accounts `up` makes, as credentials, as shell exports and as clouds.yaml. */
import type { Credentials } from "@andromede/openstack-client/client";

import type { InstanceConfig } from "../instance/instance-config.ts";
import type { InstancePaths } from "../instance/paths.ts";
import { DEMO_PROJECT, DEMO_USER, OPERATOR_USER } from "../instance/secrets.ts";
import { tlsFiles } from "../tls/certificates.ts";
import { planeUrl } from "../units/plane-urls.ts";

type Instance = { paths: InstancePaths; config: InstanceConfig };
type Passwords = { operatorPassword: string; demoPassword: string };

const OPERATORS = "operators";
const DEFAULT_DOMAIN = "Default";

const authority = ({ paths, config }: Instance): { caFile?: string } =>
  config.plainHttp ? {} : { caFile: tlsFiles(paths.tls).caFile };

/** The operator, on the operators' plane. */
export function operatorCredentials(instance: Instance, passwords: Pick<Passwords, "operatorPassword">): Credentials {
  return {
    authUrl: `${planeUrl(instance, "operator")}/identity/v3`,
    username: OPERATOR_USER,
    password: passwords.operatorPassword,
    userDomain: OPERATORS,
    project: OPERATORS,
    projectDomain: OPERATORS,
    ...authority(instance),
  };
}

/** The demo project's user, on the customers' plane. */
export function demoCredentials(instance: Instance, passwords: Pick<Passwords, "demoPassword">): Credentials {
  return {
    authUrl: `${planeUrl(instance, "customer")}/identity/v3`,
    username: DEMO_USER,
    password: passwords.demoPassword,
    userDomain: DEFAULT_DOMAIN,
    project: DEMO_PROJECT,
    projectDomain: DEFAULT_DOMAIN,
    ...authority(instance),
  };
}

/** The variables an OpenStack client reads. Pure. */
export function environmentOf(credentials: Credentials, region: string): { [name: string]: string } {
  return {
    OS_AUTH_TYPE: "password",
    OS_AUTH_URL: credentials.authUrl,
    OS_IDENTITY_API_VERSION: "3",
    OS_USERNAME: credentials.username,
    OS_PASSWORD: credentials.password,
    OS_USER_DOMAIN_NAME: credentials.userDomain,
    OS_PROJECT_NAME: credentials.project,
    OS_PROJECT_DOMAIN_NAME: credentials.projectDomain,
    OS_REGION_NAME: region,
    OS_INTERFACE: "public",
    ...(credentials.caFile === undefined ? {} : { OS_CACERT: credentials.caFile }),
  };
}

/** A word that any shell reads as it is. Pure. */
export const shellQuote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

export const shellExports = (environment: { [name: string]: string }): string =>
  Object.entries(environment)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");

/** clouds.yaml with both accounts. JSON strings are YAML strings. Pure. */
export function cloudsYaml(clouds: { [name: string]: Credentials }, region: string): string {
  const quoted = JSON.stringify;
  const blocks = Object.entries(clouds).map(([name, credentials]) =>
    [
      `  ${name}:`,
      "    auth:",
      `      auth_url: ${quoted(credentials.authUrl)}`,
      `      username: ${quoted(credentials.username)}`,
      `      password: ${quoted(credentials.password)}`,
      `      user_domain_name: ${quoted(credentials.userDomain)}`,
      `      project_name: ${quoted(credentials.project)}`,
      `      project_domain_name: ${quoted(credentials.projectDomain)}`,
      `    region_name: ${quoted(region)}`,
      "    interface: public",
      "    identity_api_version: 3",
      ...(credentials.caFile === undefined ? [] : [`    cacert: ${quoted(credentials.caFile)}`]),
    ].join("\n"),
  );
  return `# Written by andromede up.\nclouds:\n${blocks.join("\n")}\n`;
}
