/** Metadata definitions (Image API v2, "Metadata Definitions"). Pure. */
import type { JsonObject } from "@andromede/base/json";

export type Namespace = {
  namespace: string;
  projectId: string | null;
  displayName: string | null;
  description: string | null;
  visibility: "public" | "private";
  protected: boolean;
  createdAt: Date;
  updatedAt: Date;
};

export type ItemKind = "object" | "property" | "tag" | "resource_type";

/** What a namespace is made of; `body` is as the client wrote it, without the name. */
export type Item = { kind: ItemKind; name: string; body: JsonObject; createdAt: Date; updatedAt: Date };
