import type { CloudError, ErrorKind } from "@andromede/base/errors";

const STATUS: { readonly [kind in ErrorKind]: number } = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  conflict: 409,
  overQuota: 403,
  tooLarge: 413,
  noCapacity: 409,
  unavailable: 503,
  notImplemented: 501,
  internal: 500,
};

/** The status an error has unless its API says otherwise. */
export const statusOf = (error: CloudError): number => error.status ?? STATUS[error.kind];
