/** What the event log hears of object storage. Of single objects only where the container asks for it (`objectEvents`). */
import type { JsonObject } from "@andromede/base/json";
import type { EventInput } from "@andromede/platform/events/append";

import type { Container } from "./container.model.ts";

type ContainerAction = "object.container.create" | "object.container.update" | "object.container.delete";
type ObjectAction = "object.object.create" | "object.object.update" | "object.object.delete";

export const containerEvent = (
  action: ContainerAction,
  container: Pick<Container, "projectId" | "name">,
  detail: JsonObject = {},
): EventInput => ({
  action,
  target: { type: "container", id: container.name, projectId: container.projectId },
  detail,
});

export const objectEvent = (
  action: ObjectAction,
  container: Pick<Container, "projectId" | "name">,
  key: string,
  detail: JsonObject = {},
): EventInput => ({
  action,
  target: { type: "object", id: `${container.name}/${key}`, projectId: container.projectId },
  detail,
});

export const accountEvent = (projectId: string, detail: JsonObject): EventInput => ({
  action: "object.account.update",
  target: { type: "account", id: projectId, projectId },
  detail,
});

export const keyEvent = (projectId: string, name: string): EventInput => ({
  action: "object.key.create",
  target: { type: "key", id: name, projectId },
});
