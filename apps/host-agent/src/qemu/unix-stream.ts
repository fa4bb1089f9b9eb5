import { type Socket, createConnection } from "node:net";

import { unavailable } from "@andromede/base/errors";

import { shortSocketPath } from "@andromede/qmp/socket-path";

/** A connection to a unix socket, however long its path. */
export function connectUnixStream(socketPath: string): Promise<Socket> {
  const { path, release } = shortSocketPath(socketPath);
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
