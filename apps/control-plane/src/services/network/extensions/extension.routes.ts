import { notFound } from "@andromede/base/errors";

import { type ApiRequest, type Reply, type Route, ok, route } from "../../../http/service.ts";
import { EXTENSIONS, type Extension } from "./extension.model.ts";

const toView = (extension: Extension) => ({ ...extension, links: [] });

function listExtensions(): Reply {
  return ok({ extensions: EXTENSIONS.map(toView) });
}

function showExtension(request: ApiRequest): Reply {
  const alias = request.params["alias"] ?? "";
  const found = EXTENSIONS.find((extension) => extension.alias === alias);
  if (found === undefined) throw notFound(`Extension with alias ${alias} does not exist`, { type: "HTTPNotFound" });
  return ok({ extension: toView(found) });
}

export const extensionRoutes: Route[] = [
  route({ method: "GET", path: "/v2.0/extensions", rule: "get_extension", handler: listExtensions }),
  route({ method: "GET", path: "/v2.0/extensions/:alias", rule: "get_extension", handler: showExtension }),
];
