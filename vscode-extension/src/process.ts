/** The server's process: started, listened to, ended. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Readable } from "node:stream";
import { StartFailure } from "./start/failure";
import { startProblem } from "./start/run";

const MAX_LAST_LINES = 20;

export class ServerProcess {
  /** Rejects when the process has ended, with what it said last. */
  readonly ended: Promise<never>;
  private readonly last: string[] = [];
  private isOver = false;
  private readonly over: Promise<void>;

  private constructor(readonly child: ChildProcessWithoutNullStreams) {
    this.over = new Promise((resolve) => {
      child.once("close", () => {
        this.isOver = true;
        resolve();
      });
    });
    this.ended = this.over.then(() => {
      throw new StartFailure(`The Copydesk server ended by itself (${ending(child)})${this.lastWords()}.`);
    });
    this.ended.catch(() => undefined);
  }

  /** Its working directory is the home directory, which no repository fills. */
  static async start(command: readonly string[], env: NodeJS.ProcessEnv): Promise<ServerProcess> {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { cwd: homedir(), env, windowsHide: true });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => {
        reject(new StartFailure(`The Copydesk server cannot be started with \`${program}\`: ${startProblem(error)}.`));
      });
    });
    // A pipe to a process that has just ended would throw into nowhere.
    child.stdin.on("error", () => undefined);
    return new ServerProcess(child);
  }

  readLines(input: Readable, write: (line: string) => void): void {
    createInterface({ input }).on("line", (line) => {
      this.last.push(line);
      if (this.last.length > MAX_LAST_LINES) this.last.shift();
      write(line);
    });
  }

  /** Waits for its end, and makes it when it does not come. */
  async end(limitMs: number): Promise<void> {
    const timer = setTimeout(() => {
      this.kill();
    }, limitMs);
    await this.over;
    clearTimeout(timer);
  }

  /** Whether it ends by itself within that time. */
  async isOverWithin(limitMs: number): Promise<boolean> {
    await Promise.race([this.over, sleep(limitMs, undefined, { ref: false })]);
    return this.isOver;
  }

  kill(): void {
    if (!this.isOver) this.child.kill("SIGKILL");
  }

  private lastWords(): string {
    const said = this.last.filter((line) => line.trim() !== "" && !line.startsWith(" ")).at(-1);
    return said === undefined ? "" : `: ${said.trim().replace(/\.$/, "")}`;
  }
}

function ending(child: ChildProcessWithoutNullStreams): string {
  return child.signalCode === null ? `exit code ${child.exitCode ?? "unknown"}` : `signal ${child.signalCode}`;
}
