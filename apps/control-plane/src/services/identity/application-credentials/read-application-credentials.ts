import type { ApiRequest } from "../../../http/service.ts";
import type { ApplicationCredential } from "./application-credential.model.ts";
import { findCredential, listCredentials } from "./application-credential.queries.ts";

export const readCredential = (
  request: Pick<ApiRequest, "app">,
  userId: string,
  id: string,
): Promise<ApplicationCredential | null> => findCredential(request.app.db, userId, id);

export const readCredentials = (
  request: Pick<ApiRequest, "app" | "query">,
  userId: string,
): Promise<ApplicationCredential[]> => listCredentials(request.app.db, userId, request.query.get("name"));
