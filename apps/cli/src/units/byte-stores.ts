/** What a program is told of where its bytes are. */
import { join } from "node:path";

import { invalid } from "@andromede/base/errors";
import type { S3Place } from "@andromede/s3-client/place";

import { copyForProgram, ensureBucketKey } from "../instance/bucket-key.ts";
import type { BytePlace } from "../instance/byte-place.ts";
import type { InstanceUser } from "../instance/instance-config.ts";
import type { Stack } from "../stack/stack.ts";
import { tlsFiles } from "../tls/certificates.ts";
import { objectsUrl } from "./plane-urls.ts";

export type ByteStore = { driver: "files"; directory: string } | ({ driver: "s3"; directory: string } & S3Place);

export type WantedStore = {
  /** Of the account and the bucket in the cloud's own object store, and of the files with secrets. */
  name: string;
  place: BytePlace | undefined;
  /** Where bytes are, or work on them is done. */
  directory: string;
  /** What the program sees of our secrets. */
  secrets: string;
  owner: InstanceUser;
};

/** The program's configuration of its store; keys are made, or copied to where the program may read them. Idempotent. */
export async function byteStore(stack: Stack, wanted: WantedStore): Promise<ByteStore> {
  const { name, place = { driver: "files" }, directory, secrets, owner } = wanted;
  const secretKeyFile = join(secrets, `${name}.key`);
  switch (place.driver) {
    case "files":
      return { driver: "files", directory };
    case "objects":
      return { driver: "s3", directory, ...ownPlace(stack, name), ...(await ensureBucketKey(secretKeyFile, owner)) };
    case "s3": {
      const { secretKeyFile: given, caFile, ...rest } = place;
      const ca =
        caFile === undefined ? {} : { caFile: await copyForProgram(caFile, join(secrets, `${name}.ca`), owner) };
      return { ...rest, directory, secretKeyFile: await copyForProgram(given, secretKeyFile, owner), ...ca };
    }
  }
}

/** A bucket of the cloud's own object store, at the operators' door: no customer comes there. */
function ownPlace({ config, paths }: Stack, name: string): Omit<S3Place, "accessKey" | "secretKeyFile"> {
  if (!config.objectStore)
    throw invalid(`instance ${paths.instance} has no object store: driver "objects" of ${name} needs one`);
  return {
    endpoint: objectsUrl({ config }, "operator"),
    region: config.region,
    bucket: `andromede-${name}`,
    ...(config.plainHttp ? {} : { caFile: tlsFiles(paths.tls).caFile }),
  };
}
