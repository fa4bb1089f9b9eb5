/**
 * Passwords at rest: argon2id (RFC 9106) in PHC string format. m=12 MiB, t=3, p=1 is one of the settings OWASP's
 * Password Storage Cheat Sheet lists as equal to m=19 MiB, t=2, p=1, and as strong as bcrypt's cost 12 or more; of
 * those it costs us least per guess that we make ourselves. Hashing runs on libuv's threads, off the event loop.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";

import { unavailable } from "@andromede/base/errors";

const MEMORY_KIB = 12_288;
const PASSES = 3;
const LANES = 1;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
/** More than the cores can do in about ten seconds: better refused now than timed out later. */
const MAX_WAITING = 512;

const derive = promisify<"argon2id", Argon2Parameters, Buffer>(argon2 as never);

/** The thread pool is the process's, so its gate is too: file and DNS work must find a free thread. */
const gate = createGate(Math.max(1, availableParallelism()));

/** A new PHC string. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await gate(() =>
    derive("argon2id", {
      message: password,
      nonce: salt,
      parallelism: LANES,
      tagLength: HASH_BYTES,
      memory: MEMORY_KIB,
      passes: PASSES,
    }),
  );
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(salt)}$${unpadded(hash)}`;
}

/**
 * Is it the password? null stands for an account that does not exist or has no password: the same work is done and the
 * answer is no, so that time tells nothing.
 */
export async function verifyPassword(password: string, phc: string | null): Promise<boolean> {
  const stored = phc === null ? decoy : parsePhc(phc);
  const hash = await gate(() =>
    derive("argon2id", {
      message: password,
      nonce: stored.salt,
      parallelism: stored.lanes,
      tagLength: stored.hash.length,
      memory: stored.memoryKib,
      passes: stored.passes,
    }),
  );
  return timingSafeEqual(hash, stored.hash) && phc !== null;
}

type Stored = { memoryKib: number; passes: number; lanes: number; salt: Buffer; hash: Buffer };

const decoy: Stored = {
  memoryKib: MEMORY_KIB,
  passes: PASSES,
  lanes: LANES,
  salt: randomBytes(SALT_BYTES),
  hash: randomBytes(HASH_BYTES),
};

function parsePhc(phc: string): Stored {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc);
  if (match === null) throw new Error("a stored password hash is not in the form this program writes");
  const [, memoryKib, passes, lanes, salt, hash] = match;
  return {
    memoryKib: Number(memoryKib),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt ?? "", "base64"),
    hash: Buffer.from(hash ?? "", "base64"),
  };
}

const unpadded = (bytes: Buffer): string => bytes.toString("base64").replaceAll("=", "");

/** At most `places` at once, the others in turn. */
function createGate(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free === 0) {
      if (waiting.length >= MAX_WAITING) throw unavailable("Too many sign-ins at once; try again in a moment");
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      free -= 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
