/** What a container says its objects are sealed with, where a request cannot say it: Swift has no word for keys. Pure. */
import type { Container } from "../../namespace/container.model.ts";
import type { ObjectDetails } from "../../namespace/object.model.ts";

/** As S3 names it where a container's setting does not. */
const DEFAULT_KEY = "default";

export function withDefaultEncryption({ settings }: Container, details: ObjectDetails): ObjectDetails {
  const { encryption } = settings;
  if (encryption?.algorithm !== "aws:kms") return details;
  return { ...details, encryption: { kind: "kms", keyId: encryption.keyId ?? DEFAULT_KEY } };
}
