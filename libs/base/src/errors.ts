/**
 * The closed list of things that can go wrong, made where the fact is known and turned into HTTP in exactly
 * one place (control-plane/src/http/error-body). Transport knows nothing of causes; only the log prints `cause`.
 */

export type ErrorKind =
  | "invalid"
  | "unauthenticated"
  | "forbidden"
  | "notFound"
  | "conflict"
  | "overQuota"
  | "tooLarge"
  | "noCapacity"
  | "unavailable"
  | "notImplemented"
  | "internal";

export type CloudErrorOptions = {
  /** What was being done when it failed; printed by the log only. */
  cause?: unknown;
  /** Name of the offending request field, where there is one. */
  field?: string;
  /** The API's own name of the error, e.g. Neutron's `IpAddressAlreadyAllocated`. */
  type?: string;
  /** Overrides the HTTP status the kind maps to, where one API differs (cite the API's document at the call). */
  status?: number;
};

export class CloudError extends Error {
  readonly kind: ErrorKind;
  readonly field: string | undefined;
  readonly type: string | undefined;
  readonly status: number | undefined;

  constructor(kind: ErrorKind, publicMessage: string, options: CloudErrorOptions = {}) {
    super(publicMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CloudError";
    this.kind = kind;
    this.field = options.field;
    this.type = options.type;
    this.status = options.status;
  }
}

type Make = (publicMessage: string, options?: CloudErrorOptions) => CloudError;
const make =
  (kind: ErrorKind): Make =>
  (publicMessage, options) =>
    new CloudError(kind, publicMessage, options);

export const invalid = make("invalid");
export const unauthenticated = make("unauthenticated");
export const forbidden = make("forbidden");
export const notFound = make("notFound");
export const conflict = make("conflict");
export const overQuota = make("overQuota");
export const tooLarge = make("tooLarge");
export const noCapacity = make("noCapacity");
export const unavailable = make("unavailable");
export const notImplemented = make("notImplemented");
export const internal = make("internal");

/** The whole chain of causes, outermost first, for the log. */
export function causeChain(error: unknown): string[] {
  const chain: string[] = [];
  let current: unknown = error;
  while (current !== undefined && current !== null && chain.length < 20) {
    if (current instanceof Error) {
      chain.push(`${current.name}: ${current.message}`);
      current = current.cause;
    } else {
      chain.push(typeof current === "string" ? current : JSON.stringify(current));
      current = undefined;
    }
  }
  return chain;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
