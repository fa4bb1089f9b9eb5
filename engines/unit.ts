/**
 * A unit is one long-lived process of an instance: what is started, not who starts it. The supervisor and the systemd
 * generator (apps/cli/src/supervision/) both work from this description.
 */
export type Unit = {
  /** Unique within the instance, e.g. `postgresql`, `ovn-controller@host1`. */
  name: string;
  /** What it is, in a few words, for `status` and for systemd. */
  description: string;
  /** The whole command. It runs as root; a command that should not drops to its own user itself (`jailCommand`). */
  argv: string[];
  /** The whole environment: nothing is inherited. */
  environment: { [name: string]: string };
  /** Standard output and error are appended here. */
  log: string;
  /** Units that must be ready before this one starts. */
  after: string[];
  /** A unix socket that accepts connections once the unit is ready; without it, running is ready. */
  readySocket?: string;
  stopSignal: "SIGTERM" | "SIGINT";
  stopTimeoutMs: number;
  /**
   * `tree`: the unit owns all its descendants, and none may be left when it dies.
   * `process`: descendants outlive it (the agent's guests), and the next one adopts them.
   */
  kill: "tree" | "process";
};
