import { randomBytes, randomUUID } from "node:crypto";

declare const brand: unique symbol;
/** A string that only its own kind of maker or parser may produce: a ServerId is not a PortId. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX32 = /^[0-9a-f]{32}$/i;

export const isUuid = (text: string): boolean => UUID.test(text);
/** Keystone's ids: 32 hex digits, no dashes. */
export const isHexId = (text: string): boolean => HEX32.test(text);

/** A new UUID in canonical form (Nova, Neutron, Glance, Cinder). */
export const newUuid = <Id extends string = string>(): Id => randomUUID() as string as Id;
/** A new 32-hex id (Keystone). */
export const newHexId = <Id extends string = string>(): Id => randomBytes(16).toString("hex") as Id;
/** `req-<uuid>`, as OpenStack names requests. */
export const newRequestId = (): string => `req-${randomUUID()}`;
