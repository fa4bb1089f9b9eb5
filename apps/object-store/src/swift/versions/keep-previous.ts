/** X-Versions-Location and X-History-Location: what is about to be written over is first copied away. */
import type { Container } from "../../namespace/container.model.ts";
import { findCurrent } from "../objects/find-object.ts";
import { type SwiftRequest, findContainer } from "../swift-request.ts";
import { refusal } from "../wire/refusal.ts";
import { copyWhole } from "./copy-whole.ts";
import { versionName } from "./names.model.ts";

/** 412 where the container that it should go to is not there, as Swift. */
export async function versionsContainer(request: SwiftRequest, container: Container): Promise<Container> {
  const { versionsLocation, historyLocation } = container.settings;
  const found = await findContainer(request, container.projectId, versionsLocation ?? historyLocation ?? "");
  if (found === null) throw refusal(412);
  return found;
}

export async function keepPrevious(request: SwiftRequest, container: Container, key: string): Promise<void> {
  const current = await findCurrent(request, container, key);
  if (current === null) return;
  await copyWhole(
    request,
    { container, object: current },
    {
      container: await versionsContainer(request, container),
      key: versionName(key, current.modifiedAt, current.sequence),
    },
  );
}
