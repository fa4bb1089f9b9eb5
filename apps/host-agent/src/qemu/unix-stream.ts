import { type Socket, createConnection } from "node:net";

import { unavailable } from "@andromede/base/errors";

import { socketPath } from "@andromede/qmp/socket-path";

/** A connection to a unix socket, however long its path. */
export async function connectUnixStream(at: string): Promise<Socket> {
  const { path, release } = find(at);
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const failed = (cause: Error): void => {
      release();
      reject(unavailable("The server's console does not answer", { cause }));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      release();
      socket.off("error", failed);
      resolve(socket);
    });
  });
}

function find(at: string): ReturnType<typeof socketPath> {
  try {
    return socketPath(at);
  } catch (cause) {
    throw unavailable("The server's console does not answer", { cause });
  }
}
