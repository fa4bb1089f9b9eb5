import type { JsonObject } from "@andromede/base/json";

export type Group = { id: string; domainId: string; name: string; description: string; extra: JsonObject };
export type GroupChange = { name?: string; description?: string | null; domain_id?: string | null };
