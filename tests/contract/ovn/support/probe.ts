/**
 * Runs inside a guest's network namespace and does there what it is told, one JSON object a line: asks for an address,
 * serves, connects, resolves. Stands for the software of a guest.
 */
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

export type Lease = { address: string; options: { [code: number]: string } };
export type Commands = {
  dhcp: { args: { mac: string }; result: Lease };
  /** SOLICIT to REPLY for an address, or INFORMATION-REQUEST for what else there is. By the link's own address. */
  dhcp6: { args: { mac: string; stateful: boolean }; result: Lease };
  serve: { args: { port: number; text: string }; result: { port: number } };
  connect: {
    args: { address: string; port: number; timeoutMs: number; localAddress?: string };
    result: { text: string } | { error: string };
  };
  /** Swallows what is sent, and answers how fast it came. */
  sink: { args: { port: number }; result: { port: number } };
  /** Sends to a sink as fast as it takes; Mbit/s as seen there, without the first moments. */
  pump: { args: { address: string; port: number; ms: number }; result: number };
  resolve: { args: { server: string; name: string }; result: string[] };
};
export type Request = { [Op in keyof Commands]: { id: number; op: Op; args: Commands[Op]["args"] } }[keyof Commands];
export type Reply = { id: number; result?: unknown; error?: string };

const MAGIC = Buffer.from([99, 130, 83, 99]);

function dhcpMessage(transaction: number, mac: string, options: number[]): Buffer {
  const header = Buffer.alloc(236);
  header.set([1, 1, 6, 0]);
  header.writeUInt32BE(transaction, 4);
  // The answer must be broadcast: there is no address yet to send it to.
  header.writeUInt16BE(0x8000, 10);
  header.set(Buffer.from(mac.replaceAll(":", ""), "hex"), 28);
  return Buffer.concat([header, MAGIC, Buffer.from([...options, 255])]);
}

function parseOptions(message: Buffer): { [code: number]: string } {
  const options: { [code: number]: string } = {};
  let at = 240;
  while (at < message.length && message[at] !== 255) {
    const length = message[at + 1] ?? 0;
    options[message[at] ?? 0] = message.subarray(at + 2, at + 2 + length).toString("hex");
    at += 2 + length;
  }
  return options;
}

const dotted = (bytes: Buffer): string => [...bytes].join(".");

/** DISCOVER, OFFER, REQUEST, ACK. Asks again every half second, as clients do. */
function dhcp(mac: string): Promise<Lease> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    const transaction = Math.floor(Math.random() * 2 ** 31);
    let request: number[] = [53, 1, 1, 55, 6, 1, 3, 6, 26, 51, 121];
    const send = (): void => socket.send(dhcpMessage(transaction, mac, request), 67, "255.255.255.255");
    const again = setInterval(send, 500);
    const end = setTimeout(() => finish(new Error("no DHCP answer")), 10_000);
    const finish = (outcome: Error | Lease): void => {
      clearInterval(again);
      clearTimeout(end);
      socket.close();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.on("error", finish);
    socket.on("message", (message) => {
      if (message.readUInt32BE(4) !== transaction) return;
      const options = parseOptions(message);
      const offered = message.subarray(16, 20);
      if (options[53] === "02") {
        request = [
          53,
          1,
          3,
          50,
          4,
          ...offered,
          54,
          4,
          ...Buffer.from(options[54] ?? "", "hex"),
          55,
          6,
          1,
          3,
          6,
          26,
          51,
          121,
        ];
        send();
      } else if (options[53] === "05") {
        finish({ address: dotted(offered), options });
      }
    });
    socket.bind(68, "0.0.0.0", () => {
      socket.setBroadcast(true);
      send();
    });
  });
}

const option6 = (code: number, data: Buffer): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
};

/** Options of a DHCPv6 message, from an offset on; of a repeated one the last. */
function options6(message: Buffer, from: number): { [code: number]: string } {
  const options: { [code: number]: string } = {};
  for (let at = from; at + 4 <= message.length; at += 4 + message.readUInt16BE(at + 2)) {
    options[message.readUInt16BE(at)] = message.subarray(at + 4, at + 4 + message.readUInt16BE(at + 2)).toString("hex");
  }
  return options;
}

/** The address in an IA_NA option: behind identity and timers there is an IA Address option. */
function leasedAddress(ia: string | undefined): string {
  const address = options6(Buffer.from(ia ?? "", "hex"), 12)[5] ?? "";
  return (address.slice(0, 32).match(/.{4}/g) ?? []).join(":");
}

const [SOLICIT, ADVERTISE, REQUEST, REPLY, INFORMATION_REQUEST] = [1, 2, 3, 7, 11];

function dhcp6({ mac, stateful }: Commands["dhcp6"]["args"]): Promise<Lease> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: "udp6", reuseAddr: true });
    const transaction = Buffer.from(mac.replaceAll(":", "").slice(-6), "hex");
    const client = option6(1, Buffer.from(`00030001${mac.replaceAll(":", "")}`, "hex"));
    const wanted = option6(6, Buffer.from("00170018", "hex"));
    const identity = option6(3, Buffer.from("000000010000000000000000", "hex"));
    const message = (type: number | undefined, ...options: Buffer[]): Buffer =>
      Buffer.concat([Buffer.from([type ?? 0]), transaction, client, wanted, ...options]);
    let request = stateful ? message(SOLICIT, identity) : message(INFORMATION_REQUEST);
    const send = (): void => socket.send(request, 547, "ff02::1:2%eth0");
    const again = setInterval(send, 500);
    const end = setTimeout(() => finish(new Error("no DHCPv6 answer")), 10_000);
    const finish = (outcome: Error | Lease): void => {
      clearInterval(again);
      clearTimeout(end);
      socket.close();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    socket.on("error", finish);
    socket.on("message", (reply) => {
      const options = options6(reply, 4);
      if (reply[0] === ADVERTISE) {
        const [server, ia] = [options[2] ?? "", options[3] ?? ""].map((hex) => Buffer.from(hex, "hex"));
        request = message(REQUEST, option6(2, server ?? Buffer.alloc(0)), option6(3, ia ?? Buffer.alloc(0)));
        send();
      } else if (reply[0] === REPLY) finish({ address: leasedAddress(options[3]), options });
    });
    socket.bind(546, "::", send);
  });
}

/** Says its text and who it thinks is calling. */
function serve(port: number, text: string): Promise<{ port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(`${text} ${socket.remoteAddress?.replace("::ffff:", "") ?? ""}`);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "::", () => resolve({ port }));
  });
}

/** What comes before is slow start and the bucket's first filling. */
const SETTLING_MS = 1_500;

function sink(port: number): Promise<{ port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let began = 0;
    let last = 0;
    let bytes = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const now = performance.now();
      if (began === 0) began = now + SETTLING_MS;
      if (now < began) return;
      bytes += chunk.length;
      last = now;
    });
    socket.on("end", () => socket.end(String((bytes * 8) / Math.max(1, last - began) / 1_000)));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "::", () => resolve({ port }));
  });
}

function pump({ address, port, ms }: Commands["pump"]["args"]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    const block = Buffer.alloc(16_384, 7);
    const heard: string[] = [];
    const until = performance.now() + ms;
    const write = (): void => {
      while (performance.now() < until) if (!socket.write(block)) return;
      if (!socket.writableEnded) socket.end();
    };
    socket.setTimeout(20_000, () => socket.destroy(new Error("nothing moves")));
    socket.on("connect", write);
    socket.on("drain", write);
    socket.on("data", (chunk) => heard.push(chunk.toString()));
    socket.on("error", reject);
    socket.on("end", () => resolve(Number(heard.join(""))));
  });
}

function connectTo(args: Commands["connect"]["args"]): Promise<Commands["connect"]["result"]> {
  return new Promise((resolve) => {
    const { address, port, timeoutMs, localAddress } = args;
    const socket = connect({ host: address, port, ...(localAddress === undefined ? {} : { localAddress }) });
    const heard: string[] = [];
    socket.setTimeout(timeoutMs, () => {
      socket.destroy();
      resolve({ error: "timeout" });
    });
    socket.on("data", (chunk) => heard.push(chunk.toString()));
    socket.on("error", (error) => resolve({ error: error.message }));
    socket.on("end", () => resolve({ text: heard.join("") }));
  });
}

async function run(request: Request): Promise<unknown> {
  switch (request.op) {
    case "dhcp":
      return dhcp(request.args.mac);
    case "dhcp6":
      return dhcp6(request.args);
    case "serve":
      return serve(request.args.port, request.args.text);
    case "connect":
      return connectTo(request.args);
    case "sink":
      return sink(request.args.port);
    case "pump":
      return pump(request.args);
    case "resolve": {
      const resolver = new Resolver({ timeout: 1_000, tries: 3 });
      resolver.setServers([request.args.server]);
      return resolver.resolve4(request.args.name);
    }
  }
}

if (import.meta.main) {
  const answer = (reply: Reply): boolean => process.stdout.write(`${JSON.stringify(reply)}\n`);
  createInterface({ input: process.stdin }).on("line", (line) => {
    const request = JSON.parse(line) as Request;
    run(request).then(
      (result) => answer({ id: request.id, result }),
      (error: unknown) => answer({ id: request.id, error: String(error) }),
    );
  });
}
