import { type Route, route } from "../../../http/service.ts";
import {
  handleAssignRole,
  handleCheckAssignment,
  handleListAssignments,
  handleListGranted,
  handleUnassignRole,
} from "./assignment.handlers.ts";

/** The same five routes for each pair of a place and a kind of holder. */
function grantRoutes(place: string, holder: "user" | "group"): Route[] {
  const list = `/v3/${place}/${holder}s/:${holder}_id/roles`;
  const one = `${list}/:role_id`;
  const rule = (verb: string): string =>
    place === "system" ? `identity:${verb}_system_grant_for_${holder}` : `identity:${verb}_grant`;
  return [
    route({
      method: "GET",
      path: list,
      rule: place === "system" ? `identity:list_system_grants_for_${holder}` : "identity:list_grants",
      handler: handleListGranted,
    }),
    route({ method: "HEAD", path: one, rule: rule("check"), handler: handleCheckAssignment }),
    route({ method: "GET", path: one, rule: rule("check"), handler: handleCheckAssignment }),
    route({ method: "PUT", path: one, rule: rule("create"), handler: handleAssignRole }),
    route({ method: "DELETE", path: one, rule: rule("revoke"), handler: handleUnassignRole }),
  ];
}

export const assignmentRoutes: Route[] = [
  route({
    method: "GET",
    path: "/v3/role_assignments",
    rule: "identity:list_role_assignments",
    handler: handleListAssignments,
  }),
  ...["projects/:project_id", "domains/:domain_id", "system"].flatMap((place) => [
    ...grantRoutes(place, "user"),
    ...grantRoutes(place, "group"),
  ]),
];
