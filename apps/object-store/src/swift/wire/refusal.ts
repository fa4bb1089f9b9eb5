/** How Swift says no. Refusals are the house's errors with Swift's status; a few carry headers. */
import { CloudError, type CloudErrorOptions, type ErrorKind } from "@andromede/base/errors";

type Headers = { [name: string]: string | number };

/** Swift's reason and, in the page that goes with it, what it has to say (swob's table, in our words). */
const REASONS: { readonly [status: number]: readonly [reason: string, explanation: string] } = {
  200: ["OK", ""],
  201: ["Created", ""],
  202: ["Accepted", "The request is accepted for processing."],
  204: ["No Content", ""],
  206: ["Partial Content", ""],
  301: ["Moved Permanently", "The resource has moved for good."],
  303: ["See Other", "The answer is at another address."],
  304: ["Not Modified", ""],
  307: ["Temporary Redirect", "The resource is at another address for now."],
  400: ["Bad Request", "The request is malformed or otherwise incorrect."],
  401: ["Unauthorized", "It could not be verified that you may have what you asked for."],
  403: ["Forbidden", "Access was denied to this resource."],
  404: ["Not Found", "The resource could not be found."],
  405: ["Method Not Allowed", "The method is not allowed for this resource."],
  406: ["Not Acceptable", "The resource is not available in a format that you accept."],
  408: ["Request Timeout", "The request took too long to arrive."],
  409: ["Conflict", "There was a conflict when trying to complete your request."],
  411: ["Length Required", "Content-Length header required."],
  412: ["Precondition Failed", "A precondition for this request was not met."],
  413: ["Request Entity Too Large", "The body of your request was too large."],
  416: ["Requested Range Not Satisfiable", "The range requested is not available."],
  417: ["Expectation Failed", "The expectation cannot be met."],
  422: ["Unprocessable Entity", "Unable to process the contained instructions."],
  499: ["Client Disconnect", "The client went away during the request."],
  500: ["Internal Error", "The server could not do what was asked for."],
  501: ["Not Implemented", "The requested method is not implemented."],
  502: ["Bad Gateway", "Bad gateway."],
  503: ["Service Unavailable", "The server is currently unavailable. Please try again later."],
  507: ["Insufficient Storage", "There was not enough space to save the resource."],
};

export const reasonOf = (status: number): string => REASONS[status]?.[0] ?? "Unknown";
/** `404 Not Found`, as bodies of bulk operations have it. */
export const statusLine = (status: number): string => `${status} ${reasonOf(status)}`;
/** The page that goes with a status where there is nothing better to say. */
export const pageOf = (status: number): string =>
  `<html><h1>${reasonOf(status)}</h1><p>${REASONS[status]?.[1] ?? ""}</p></html>`;

const STATUS: { readonly [kind in ErrorKind]: number } = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  overQuota: 413,
  tooLarge: 413,
  noCapacity: 507,
  unavailable: 503,
  notImplemented: 501,
  internal: 500,
};
export const statusOf = (error: CloudError): number => error.status ?? STATUS[error.kind];

const KINDS: { readonly [status: number]: ErrorKind } = {
  401: "unauthenticated",
  403: "forbidden",
  404: "notFound",
  405: "invalid",
  409: "conflict",
  413: "tooLarge",
  503: "unavailable",
  507: "noCapacity",
};
const headersOfError = new WeakMap<CloudError, Headers>();

/** An error to throw. With an empty message the answer has Swift's page for the status. */
export function refusal(
  status: number,
  message = "",
  options: { headers?: Headers; cause?: unknown } = {},
): CloudError {
  const more: CloudErrorOptions = options.cause === undefined ? { status } : { status, cause: options.cause };
  const error = new CloudError(KINDS[status] ?? "invalid", message, more);
  if (options.headers !== undefined) headersOfError.set(error, options.headers);
  return error;
}

export const refusalHeaders = (error: CloudError): Headers | undefined => headersOfError.get(error);
