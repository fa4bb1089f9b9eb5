import { lookup } from "node:dns";
import type { IncomingMessage } from "node:http";
import { get as httpsGet } from "node:https";
import { type LookupFunction, isIP } from "node:net";

import { CloudError, invalid } from "@andromede/base/errors";
import { get as httpGet } from "@andromede/base/node-http";

import { assertAllowedUrl, assertPublicAddress, readUrl } from "./web-address.ts";

const MAX_REDIRECTS = 3;
const CONNECT_MS = 30_000;

export type Fetched = { body: IncomingMessage; expectedBytes: number | null };

/** Opens what is at an address; every redirection is checked as the address itself was. The caller MUST read or destroy the body. */
export async function openUrl(uri: string, hosts: readonly string[]): Promise<Fetched> {
  let url = readUrl(uri);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    assertAllowedUrl(url, hosts);
    const answer = await request(url, hosts);
    const status = answer.statusCode ?? 0;
    if (status === 200) return { body: answer, expectedBytes: lengthOf(answer) };
    answer.destroy();
    const { location } = answer.headers;
    if (status < 300 || status >= 400 || location === undefined)
      throw invalid(`The server at ${url.host} answered ${status}`);
    if (!URL.canParse(location, url.href)) throw invalid(`The server at ${url.host} redirects to no address`);
    url = readUrl(new URL(location, url).href);
  }
  throw invalid(`More than ${MAX_REDIRECTS} redirections`);
}

function lengthOf({ headers }: IncomingMessage): number | null {
  const text = headers["content-length"];
  return text === undefined || !/^\d{1,15}$/.test(text) ? null : Number(text);
}

/** Connects to the very address that was checked: between a check and a second look-up a name could change its mind. */
function checkedLookup(port: string, hosts: readonly string[]): LookupFunction {
  return (hostname, options, finish) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        finish(error, "", 0);
        return;
      }
      try {
        for (const { address } of addresses) assertPublicAddress(address, port, hosts);
      } catch (refusal) {
        finish(refusal as Error, "", 0);
        return;
      }
      const [first] = addresses;
      if (options.all === true) finish(null, addresses);
      else finish(null, first?.address ?? "", first?.family ?? 0);
    });
  };
}

function request(url: URL, hosts: readonly string[]): Promise<IncomingMessage> {
  const get = url.protocol === "https:" ? httpsGet : httpGet;
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  // an address that is written down is looked up by nobody
  if (isIP(literal) !== 0) assertPublicAddress(literal, url.port, hosts);
  return new Promise((resolve, reject) => {
    const sent = get(url, { lookup: checkedLookup(url.port, hosts), timeout: CONNECT_MS, agent: false }, resolve);
    sent.once("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.once("error", (cause) =>
      reject(cause instanceof CloudError ? cause : invalid(`Nothing could be fetched from ${url.host}`, { cause })),
    );
  });
}
