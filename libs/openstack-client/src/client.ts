/**
 * A small OpenStack client: a token and the catalog, and one typed way to call a service. What our own programs, tests and
 * benches need, no more; customers use the clients that exist.
 */
import { parseJson } from "@andromede/base/json";

import { type Http, type HttpRequest, createHttp } from "./http.ts";

export type Credentials = {
  /** Identity's URL, ending in /v3. */
  authUrl: string;
  username: string;
  password: string;
  userDomain: string;
  project: string;
  projectDomain: string;
  caFile?: string;
  interface?: "public" | "internal" | "admin";
};

export type ServiceType = "identity" | "compute" | "image" | "network" | "volumev3";

export type CallOptions = {
  body?: unknown;
  query?: { [name: string]: string | number | boolean };
  headers?: { [name: string]: string };
  /** Sent as it is, with the content type of `headers`, in the place of `body`. */
  raw?: HttpRequest["body"];
  timeoutMs?: number;
};

/** One account's view of a cloud. */
export type Cloud = {
  /** The parsed body; undefined when there is none. Throws `ApiError` for every status of 400 and above. */
  call<T>(service: ServiceType, method: string, path: string, options?: CallOptions): Promise<T>;
  /** A token, the project and the user it is for; renewed when it is near its end. */
  session(): Promise<Session>;
  close(): void;
};

export type Session = {
  token: string;
  projectId: string;
  userId: string;
  expiresAt: number;
  endpoints: { [service: string]: string };
};

/** An answer of 400 and above. */
export class ApiError extends Error {
  readonly status: number;
  readonly request: string;

  constructor(request: string, status: number, message: string) {
    super(`${request}: ${status} ${message}`);
    this.name = "ApiError";
    this.status = status;
    this.request = request;
  }
}

type TokenBody = {
  token: {
    expires_at: string;
    project?: { id: string };
    user: { id: string };
    catalog?: { type: string; endpoints: { interface: string; url: string }[] }[];
  };
};

const RENEW_BEFORE_MS = 60_000;

/** Signs in when the first call is made. */
export function createCloud(
  credentials: Credentials,
  http: Http = createHttp(credentials.caFile === undefined ? {} : { caFile: credentials.caFile }),
): Cloud {
  let current: Promise<Session> | undefined;

  async function session(): Promise<Session> {
    const present = await current?.catch(() => undefined);
    if (present !== undefined && present.expiresAt - Date.now() > RENEW_BEFORE_MS) return present;
    current = signIn(http, credentials);
    return current;
  }

  async function send(
    service: ServiceType,
    method: string,
    path: string,
    options: CallOptions,
  ): Promise<{ status: number; text: string }> {
    const { token, endpoints } = await session();
    const base = endpoints[service];
    if (base === undefined) throw new ApiError(`${method} ${path}`, 404, `the catalog has no ${service} service`);
    const response = await http.send({
      method,
      url: urlOf(base, path, options.query),
      headers: {
        accept: "application/json",
        "x-auth-token": token,
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...bodyOf(options),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
    return { status: response.status, text: response.body.toString("utf8") };
  }

  return {
    session,
    async call<T>(service: ServiceType, method: string, path: string, options: CallOptions = {}): Promise<T> {
      let answer = await send(service, method, path, options);
      if (answer.status === 401) {
        // the token was revoked, or the cloud was made anew: once more with another
        current = undefined;
        answer = await send(service, method, path, options);
      }
      if (answer.status >= 400)
        throw new ApiError(`${method} ${service} ${path}`, answer.status, errorMessage(answer.text));
      return (answer.text === "" ? undefined : parseJson(answer.text, `the answer to ${method} ${path}`)) as T;
    },
    close: () => http.close(),
  };
}

function bodyOf(options: CallOptions): { body?: NonNullable<HttpRequest["body"]> } {
  if (options.raw !== undefined) return { body: options.raw };
  return options.body === undefined ? {} : { body: JSON.stringify(options.body) };
}

function urlOf(base: string, path: string, query: CallOptions["query"]): string {
  const url = `${base.replace(/\/$/, "")}${path}`;
  if (query === undefined) return url;
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return `${url}?${parameters.toString()}`;
}

async function signIn(http: Http, credentials: Credentials): Promise<Session> {
  const url = `${credentials.authUrl.replace(/\/$/, "")}/auth/tokens`;
  const response = await http.send({
    method: "POST",
    url,
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ["password"],
          password: {
            user: {
              name: credentials.username,
              domain: { name: credentials.userDomain },
              password: credentials.password,
            },
          },
        },
        scope: { project: { name: credentials.project, domain: { name: credentials.projectDomain } } },
      },
    }),
  });
  const text = response.body.toString("utf8");
  if (response.status !== 201) throw new ApiError("POST identity /auth/tokens", response.status, errorMessage(text));
  return toSession(response.headers["x-subject-token"], parseJson(text, "the token") as TokenBody, credentials);
}

function toSession(token: string | string[] | undefined, body: TokenBody, credentials: Credentials): Session {
  if (typeof token !== "string")
    throw new ApiError("POST identity /auth/tokens", 201, "the answer has no X-Subject-Token");
  const wanted = credentials.interface ?? "public";
  const endpoints: { [service: string]: string } = {};
  for (const service of body.token.catalog ?? []) {
    const endpoint = service.endpoints.find((candidate) => candidate.interface === wanted);
    if (endpoint !== undefined) endpoints[service.type] = endpoint.url;
  }
  return {
    token,
    projectId: body.token.project?.id ?? "",
    userId: body.token.user.id,
    expiresAt: Date.parse(body.token.expires_at),
    endpoints,
  };
}

/** The message inside any OpenStack service's error body, or the text itself. */
export function errorMessage(text: string): string {
  try {
    const body = JSON.parse(text) as { [kind: string]: unknown };
    const [inner] = Object.values(body);
    if (typeof inner === "object" && inner !== null && "message" in inner && typeof inner.message === "string")
      return inner.message;
  } catch {
    // not JSON: Glance answers some errors in plain text
  }
  return text.slice(0, 300);
}

/** null in the place of a 404. */
export async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
