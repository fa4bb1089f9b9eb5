/** Where the planes answer. Pure. */
import type { Stack } from "../stack/stack.ts";

export type Plane = "customer" | "operator";
/** Base URL of a plane, without a trailing slash. */
export function planeUrl(stack: Pick<Stack, "config">, plane: Plane): string {
  return `${stack.config.plainHttp ? "http" : "https"}://127.0.0.1:${stack.config.ports[plane]}`;
}

/** The same of the object store. */
export function objectsUrl(stack: Pick<Stack, "config">, plane: Plane): string {
  const { plainHttp, ports } = stack.config;
  return `${plainHttp ? "http" : "https"}://127.0.0.1:${ports[`${plane}Objects`]}`;
}
