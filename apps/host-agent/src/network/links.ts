/** Links of the host's namespace, by `ip` of the engine root. Ours carry an alias that says whose they are. */
import { type Jail, jailCommand } from "../jail/jail.ts";
import { run } from "../jail/run.ts";

export type Link = { name: string; alias: string };

export type Links = {
  /** Runs `ip -batch` commands, all in one process. */
  batch(commands: readonly string[], what: string): Promise<void>;
  list(): Promise<Link[]>;
};

/** `/run/netns/NAME`, where `ip netns` keeps the named ones. */
export const namespacePath = (name: string): string => `/run/netns/${name}`;

/** Links of a namespace; null is the one the agent is in. */
export function linksOf(engineRoot: string, namespace: string | null): Links {
  const jail: Jail = {
    engineRoot,
    binds: [],
    devices: [{ source: "/dev/net/tun", target: "/dev/net/tun" }],
    network: namespace === null ? "inherit" : { path: namespacePath(namespace) },
    user: null,
    capabilities: ["CAP_NET_ADMIN"],
  };
  return {
    async batch(commands, what) {
      if (commands.length === 0) return;
      await run(jailCommand(jail, ["ip", "-batch", "-"]), {
        what,
        timeoutMs: 20_000,
        stdin: `${commands.join("\n")}\n`,
      });
    },
    async list() {
      const output = await run(jailCommand(jail, ["ip", "-json", "link", "show"]), {
        what: "listing links",
        timeoutMs: 20_000,
      });
      const links = JSON.parse(output === "" ? "[]" : output) as { ifname?: string; ifalias?: string }[];
      return links.map(({ ifname, ifalias }) => ({ name: ifname ?? "", alias: ifalias ?? "" }));
    },
  };
}
