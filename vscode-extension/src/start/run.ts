/** Runs a program to its end: its output, line by line too; ended with all its children when it takes too long. */
import { spawn, type ChildProcess } from "node:child_process";
import { homedir } from "node:os";
import { createInterface } from "node:readline";

export interface Ran {
  /** null: it could not be started, was ended, or took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

export type Run = (command: readonly string[], options: RunOptions) => Promise<Ran>;

const MAX_KEPT = 200_000;

/** Never rejects. The working directory is the home directory, which no repository fills. */
export const run: Run = (command, options) => {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    if (options.signal?.aborted) {
      resolve({ code: null, stdout: "", stderr: "cancelled" });
      return;
    }
    const child = spawn(program, args, {
      cwd: homedir(),
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const kept = { stdout: "", stderr: "" };
    const read = (name: "stdout" | "stderr"): void => {
      createInterface({ input: child[name] }).on("line", (line) => {
        if (kept[name].length < MAX_KEPT) kept[name] += line + "\n";
        options.onLine?.(line);
      });
    };
    read("stdout");
    read("stderr");
    const stop = (why: string): void => {
      kept.stderr += why + "\n";
      endTree(child);
    };
    const stopCancelled = (): void => {
      stop("cancelled");
    };
    const timer = setTimeout(() => {
      stop(`took longer than ${Math.round(options.limitMs / 1000)} s`);
    }, options.limitMs);
    options.signal?.addEventListener("abort", stopCancelled, { once: true });
    const done = (code: number | null): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", stopCancelled);
      resolve({ code, ...kept });
    };
    child.once("error", (error) => {
      kept.stderr += startProblem(error) + "\n";
      done(null);
    });
    child.once("close", done);
  });
};

/** Why a program cannot be started, in words. */
export function startProblem(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "there is no such program";
  if (error.code === "EACCES") return "it may not be run";
  return error.message;
}

function endTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"], { windowsHide: true });
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL"); // it has no group any more
  }
}
