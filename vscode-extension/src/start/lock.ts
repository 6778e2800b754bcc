/** A lock between windows: a file that its owner touches. One whose owner is gone, or silent, is taken over. */
import { randomUUID } from "node:crypto";
import * as fs from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const TOUCH_MS = 2_000;
const STALE_MS = 15_000;
const POLL_MS = 250;

export interface Lock {
  release(): Promise<void>;
}

/** Waits for the lock. `onWait` is called once if somebody else has it. Rejects when the signal is aborted. */
export async function lock(file: string, signal: AbortSignal, onWait: () => void): Promise<Lock> {
  const token = `${process.pid} ${randomUUID()}`;
  let waited = false;
  for (;;) {
    signal.throwIfAborted();
    if (await take(file, token)) return hold(file, token);
    if (!waited) onWait();
    waited = true;
    if (await isStale(file)) await dispossess(file, token);
    else await sleep(POLL_MS, undefined, { signal });
  }
}

async function take(file: string, token: string): Promise<boolean> {
  try {
    await fs.writeFile(file, token, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function hold(file: string, token: string): Lock {
  const timer = setInterval(() => {
    void fs.utimes(file, new Date(), new Date()).catch(() => undefined);
  }, TOUCH_MS);
  return {
    async release() {
      clearInterval(timer);
      // Only one's own: it may have been taken over while this machine slept.
      if ((await read(file)) === token) await fs.rm(file, { force: true });
    },
  };
}

async function isStale(file: string): Promise<boolean> {
  try {
    const { mtimeMs } = await fs.stat(file);
    if (Date.now() - mtimeMs > STALE_MS) return true;
    const owner = Number((await read(file)).split(" ")[0]);
    return owner > 0 && !isAlive(owner);
  } catch {
    return false; // it has just been released
  }
}

/** Moves a stale lock away; if it was a fresh one by then, puts it back. */
async function dispossess(file: string, token: string): Promise<void> {
  const aside = `${file}.${token.split(" ")[1] ?? ""}`;
  const stale = await read(file);
  try {
    await fs.rename(file, aside);
    if ((await read(aside)) === stale) await fs.rm(aside, { force: true });
    else await fs.rename(aside, file);
  } catch {
    // somebody was faster
  }
}

async function read(file: string): Promise<string> {
  return fs.readFile(file, "utf-8").catch(() => "");
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
