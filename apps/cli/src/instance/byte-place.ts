/** Where a service keeps its bytes, as an operator says it in the settings: section `imageStore`, for one. Pure. */
import { invalid } from "@andromede/base/errors";
import { type S3Place, s3PlaceProperties, s3PlaceRequired } from "@andromede/s3-client/place";

export type BytePlace =
  /** A directory of this machine. */
  | { driver: "files" }
  /** This cloud's own object store: `up` makes the account, the key and the bucket. */
  | { driver: "objects" }
  /** Any S3 server. */
  | ({ driver: "s3" } & S3Place);

const MEMBERS: { [driver in BytePlace["driver"]]: { all: readonly string[]; needed: readonly string[] } } = {
  files: { all: [], needed: [] },
  objects: { all: [], needed: [] },
  s3: { all: Object.keys(s3PlaceProperties), needed: s3PlaceRequired },
};

const isDriver = (word: unknown): word is BytePlace["driver"] =>
  typeof word === "string" && Object.hasOwn(MEMBERS, word);

/** Throws `invalid` with what is wrong. `where`: file and section, for its message. */
export function assertBytePlace(value: { [name: string]: unknown }, where: string): asserts value is BytePlace {
  const { driver, ...members } = value;
  if (!isDriver(driver)) throw invalid(`${where}: "driver" is one of ${Object.keys(MEMBERS).join(", ")}`);
  const { all, needed } = MEMBERS[driver];
  for (const [name, member] of Object.entries(members)) {
    if (!all.includes(name)) throw invalid(`${where}: driver "${driver}" has no "${name}"`);
    if (typeof member !== "string" || member === "") throw invalid(`${where}: "${name}" is a word`);
  }
  const missing = needed.filter((name) => !Object.hasOwn(members, name));
  if (missing.length > 0) throw invalid(`${where}: driver "${driver}" needs ${missing.join(", ")}`);
}

/** Bytes that are in a bucket do not come back by themselves; from files they are brought there. */
export const leavesBucket = (before: BytePlace | undefined, after: BytePlace | undefined): boolean =>
  before !== undefined && before.driver !== "files" && (after === undefined || after.driver === "files");
