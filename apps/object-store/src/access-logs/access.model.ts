/** What a record of a server access log says of a request that HTTP itself does not. */
import type { Actor } from "@andromede/platform/tokens/actor";

import type { Container, ContainerSettings } from "../namespace/container.model.ts";

export type Logging = NonNullable<ContainerSettings["logging"]>;

/** The container that a log is of. */
export type LoggedContainer = Pick<Container, "id" | "projectId" | "name">;

export type Access = {
  container: LoggedContainer;
  logging: Logging;
  /** `REST.GET.OBJECT`, `WEBSITE.GET.OBJECT`, `SWIFT.GET.OBJECT`, ... */
  operation: string;
  key: string | null;
  versionId: string | null;
  /** `AmazonS3`: the cloud itself, as Amazon's logs call it. */
  requester: Pick<Actor, "projectId" | "userName"> | "AmazonS3" | null;
  authType: "AuthHeader" | "QueryString" | "Form" | "Token" | "TempURL" | null;
  isSigned: boolean;
  /** null: what the answer's headers say, of a read. */
  objectSize: number | null;
  /** Only an ACL let them in. */
  byAcl: boolean;
  /** Of one thing among many that the request was about; absent: the request's own. */
  outcome?: { status: number | null; errorCode: string | null };
};

/** A request that is being logged: in its own container's log, and perhaps in those of others that it is about. */
export type Watch = {
  accesses: [Access, ...Access[]];
  errorCode: string | null;
};
