/** A client that costs little, so that what is measured is the server: one connection, kept alive. */
import http from "node:http";
import https from "node:https";
import { readFileSync } from "node:fs";

export type Answer = { status: number; headers: http.IncomingHttpHeaders; text: string };

export type Connection = {
  call(
    method: string,
    url: string,
    options?: { token?: string; body?: unknown; headers?: { [name: string]: string } },
  ): Promise<Answer>;
  close(): void;
};

export function openConnection(caFile?: string): Connection {
  const settings = { keepAlive: true, maxSockets: 1 };
  const agents = {
    "http:": new http.Agent(settings),
    "https:": new https.Agent({ ...settings, ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }) }),
  };
  return {
    call(method, url, options = {}) {
      const target = new URL(url);
      const secure = target.protocol === "https:";
      const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
      const headers: { [name: string]: string | number } = { accept: "application/json", ...options.headers };
      if (options.token !== undefined) headers["x-auth-token"] = options.token;
      if (payload !== undefined)
        Object.assign(headers, { "content-type": "application/json", "content-length": Buffer.byteLength(payload) });
      return new Promise((resolve, reject) => {
        const request = (secure ? https : http).request(
          target,
          { method, headers, agent: agents[secure ? "https:" : "http:"] },
          (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.once("end", () =>
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                text: Buffer.concat(chunks).toString(),
              }),
            );
            response.once("error", reject);
          },
        );
        request.once("error", reject);
        request.end(payload);
      });
    },
    close() {
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}
