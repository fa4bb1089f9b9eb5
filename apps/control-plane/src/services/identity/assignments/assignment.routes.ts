import { type Route, route } from "../../../http/service.ts";
import { grantHandlers, handleListAssignments } from "./assignment.handlers.ts";

const direct = grantHandlers(false);
const inherited = grantHandlers(true);

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
      handler: direct.handleListGranted,
    }),
    route({ method: "HEAD", path: one, rule: rule("check"), handler: direct.handleCheckAssignment }),
    route({ method: "GET", path: one, rule: rule("check"), handler: direct.handleCheckAssignment }),
    route({ method: "PUT", path: one, rule: rule("create"), handler: direct.handleAssignRole }),
    route({ method: "DELETE", path: one, rule: rule("revoke"), handler: direct.handleUnassignRole }),
  ];
}

/** Roles for the projects below a place (OS-INHERIT): the same five again. */
function inheritRoutes(place: string, holder: "user" | "group"): Route[] {
  const list = `/v3/OS-INHERIT/${place}/${holder}s/:${holder}_id/roles`;
  const one = `${list}/:role_id/inherited_to_projects`;
  return [
    route({
      method: "GET",
      path: `${list}/inherited_to_projects`,
      rule: "identity:list_grants",
      handler: inherited.handleListGranted,
    }),
    route({ method: "HEAD", path: one, rule: "identity:check_grant", handler: inherited.handleCheckAssignment }),
    route({ method: "GET", path: one, rule: "identity:check_grant", handler: inherited.handleCheckAssignment }),
    route({ method: "PUT", path: one, rule: "identity:create_grant", handler: inherited.handleAssignRole }),
    route({ method: "DELETE", path: one, rule: "identity:revoke_grant", handler: inherited.handleUnassignRole }),
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
  ...["projects/:project_id", "domains/:domain_id"].flatMap((place) => [
    ...inheritRoutes(place, "user"),
    ...inheritRoutes(place, "group"),
  ]),
];
