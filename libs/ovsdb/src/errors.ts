import { CloudError, type ErrorKind } from "@andromede/base/errors";

/** What an OVSDB server, or the way to it, can refuse. Closed: whatever is not named is `other`. */
export type OvsdbErrorCode =
  | "constraintViolation"
  | "referentialIntegrityViolation"
  | "waitTimedOut"
  | "notLeader"
  | "connectionLost"
  | "aborted"
  | "other";

const KINDS: Record<OvsdbErrorCode, ErrorKind> = {
  constraintViolation: "conflict",
  referentialIntegrityViolation: "conflict",
  // A guard that no longer holds: somebody else wrote. Reading again and retrying is the cure.
  waitTimedOut: "conflict",
  notLeader: "unavailable",
  connectionLost: "unavailable",
  aborted: "internal",
  other: "internal",
};

const CODES: ReadonlyMap<string, OvsdbErrorCode> = new Map([
  ["constraint violation", "constraintViolation"],
  ["referential integrity violation", "referentialIntegrityViolation"],
  ["timed out", "waitTimedOut"],
  ["not leader", "notLeader"],
  ["not owner", "notLeader"],
  ["database not clustered leader", "notLeader"],
  ["aborted", "aborted"],
  ["canceled", "connectionLost"],
]);

/** A failure of OVSDB, typed by `code`. The public message says nothing of the inside; `detail` is for the log. */
export class OvsdbError extends CloudError {
  readonly code: OvsdbErrorCode;
  readonly detail: string;
  /** Position of the operation that failed in the transaction; undefined when the commit as a whole did. */
  readonly operation: number | undefined;

  constructor(code: OvsdbErrorCode, detail: string, options: { operation?: number; cause?: unknown } = {}) {
    super(KINDS[code], "The network database refused or could not be reached", {
      cause: options.cause ?? detail,
    });
    this.name = "OvsdbError";
    this.code = code;
    this.detail = detail;
    this.operation = options.operation;
  }
}

/** The typed form of an error string of RFC 7047, section 4.1.3 and after. */
export function fromServerError(error: string, details: string | undefined, operation?: number): OvsdbError {
  const code = CODES.get(error) ?? "other";
  const detail = details === undefined ? error : `${error}: ${details}`;
  return new OvsdbError(code, detail, operation === undefined ? {} : { operation });
}
