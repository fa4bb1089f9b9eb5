import type { App } from "../../../app.ts";
import type { Credential } from "./credential.model.ts";

type Keys = Pick<App, "keys">;

const nameOf = (id: string): string => `credential/${id}`;

/** Users' secrets open with the operator's key: a user belongs to no project, and a list is opened in one go. */
export const wrapBlob = ({ keys }: Keys, id: string, blob: string): Buffer =>
  keys.wrapForOperator(Buffer.from(blob), nameOf(id));

export const openBlob = ({ keys }: Keys, credential: Pick<Credential, "id" | "wrappedBlob">): string =>
  keys.unwrapForOperator(credential.wrappedBlob, nameOf(credential.id)).toString("utf8");
