/**
 * A record of a server access log, as Amazon's user guide describes it ("Amazon S3 server access log format"): one line, fields
 * in a fixed order with blanks between them, `-` for what there is not. Pure.
 */
import type { Access } from "./access.model.ts";

/** The request itself, as it was seen from here. */
export type Seen = {
  receivedAtMs: number;
  address: string | null;
  requestId: string;
  method: string;
  url: string;
  httpVersion: string;
  /** null: there was no answer. */
  status: number | null;
  errorCode: string | null;
  bytesSent: number;
  /** As the answer to a read says. */
  shownSize: number | null;
  totalMs: number | null;
  /** From the request's last byte to the answer's first. */
  turnAroundMs: number | null;
  referrer: string | undefined;
  userAgent: string | undefined;
  host: string | undefined;
  cipher: string | undefined;
  tlsVersion: string | undefined;
};

const NONE = "-";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** With its end of line. What a client wrote can neither end a field nor a line. */
export function formatRecord(access: Access, seen: Seen): string {
  const { container, outcome } = access;
  const fields = [
    container.projectId,
    encodeName(container.name),
    `[${timeOf(seen.receivedAtMs)}]`,
    orNone(seen.address),
    requesterOf(access.requester),
    seen.requestId,
    access.operation,
    nameOrNone(access.key),
    ...(outcome === undefined ? ownAnswer(seen) : answerOfOne(outcome)),
    sizeOf(access, seen),
    orNone(seen.totalMs),
    orNone(seen.turnAroundMs),
    quoted(seen.referrer),
    quoted(seen.userAgent),
    nameOrNone(access.versionId),
    // there is no second number of a request
    NONE,
    access.isSigned ? "SigV4" : NONE,
    orNone(seen.cipher),
    orNone(access.authType),
    escaped(seen.host || NONE, BARE),
    orNone(seen.tlsVersion),
    // there are no access points
    NONE,
    access.byAcl ? "Yes" : NONE,
    // where the client is, in a cloud of one region
    NONE,
  ];
  return `${fields.join(" ")}\n`;
}

const orNone = (value: string | number | null | undefined): string | number => value ?? NONE;

const nameOrNone = (name: string | null): string => (name === null || name === "" ? NONE : encodeName(name));

/** Request-URI, HTTP status, error code, bytes sent. */
const ownAnswer = (seen: Seen): (string | number)[] => [
  quoted(`${seen.method} ${redacted(seen.url)} HTTP/${seen.httpVersion}`),
  orNone(seen.status),
  orNone(seen.errorCode),
  seen.bytesSent === 0 ? NONE : seen.bytesSent,
];

/** The same of one among many: it has no line of its own in the request. */
const answerOfOne = ({ status, errorCode }: NonNullable<Access["outcome"]>): (string | number)[] => [
  NONE,
  orNone(status),
  orNone(errorCode),
  NONE,
];

const IS_READ = /^(REST|WEBSITE|SWIFT)\.(GET|HEAD)\.OBJECT$/;

function sizeOf({ objectSize, operation, outcome }: Access, { status, shownSize }: Seen): number | string {
  if (objectSize !== null) return objectSize;
  const isShown = outcome === undefined && status !== null && status < 300 && IS_READ.test(operation);
  return isShown ? (shownSize ?? NONE) : NONE;
}

function requesterOf(requester: Access["requester"]): string {
  if (requester === null) return NONE;
  if (requester === "AmazonS3") return requester;
  return `arn:aws:iam::${requester.projectId ?? ""}:user/${encodeURIComponent(requester.userName.toWellFormed())}`;
}

const encodeName = (name: string): string => encodeURIComponent(name.toWellFormed()).replaceAll("%2F", "/");

const two = (number: number): string => String(number).padStart(2, "0");

/** `06/Feb/2019:00:00:38 +0000`. */
function timeOf(ms: number): string {
  const time = new Date(ms);
  const day = `${two(time.getUTCDate())}/${MONTHS[time.getUTCMonth()]}/${time.getUTCFullYear()}`;
  return `${day}:${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())} +0000`;
}

const QUOTED = /[^\x20\x21\x23-\x7e]/g;
const BARE = /[^\x21\x23-\x7e]/g;

/** Headers and request lines are bytes, a character each. */
const escaped = (text: string, unsafe: RegExp): string =>
  text.replaceAll(unsafe, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);

const quoted = (text: string | undefined): string => `"${text === undefined ? NONE : escaped(text, QUOTED)}"`;

const SECRET = /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature|temp_url_sig)=)[^&]*/gi;

/** Who reads a log must not be able to do again what was signed for once. */
const redacted = (url: string): string => url.replaceAll(SECRET, "$1REDACTED");
