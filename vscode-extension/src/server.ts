/**
 * The running language server as the rest of the extension sees it: commands, updates, what it can do.
 *
 * Only `client.ts` makes one. Nothing else may import the language client.
 */
import type { CancellationToken, Disposable, Event } from "vscode";

/** `starting` also while it is installed; `failed` needs the person; `stopped` was asked for. */
export type ServerState = "starting" | "running" | "failed" | "stopped";

/** The `copydesk/session/update` notification. See docs/PROTOCOL.md for every `sessionUpdate`. */
export interface SessionUpdate {
  readonly session: string;
  readonly turn: string;
  readonly seq: number;
  readonly update: { readonly sessionUpdate: string } & Readonly<Record<string, unknown>>;
}

export interface Server {
  readonly state: ServerState;
  readonly onDidChangeState: Event<ServerState>;

  /** What `copydesk.status` announced in `capabilities`; empty until the server runs. */
  readonly capabilities: ReadonlySet<string>;

  /** Every session update, in order. */
  readonly onDidUpdate: Event<SessionUpdate>;

  /** Sends one of the server's commands, without the middleware's additions. Rejects with the server's words. */
  execute<T>(command: string, argument?: object): Promise<T>;

  /** Answers a request of the server's, over every restart. A method that is handled is announced to the server. */
  onRequest<P, R>(method: string, handle: (params: P, token: CancellationToken) => Promise<R>): Disposable;

  /** Sends a notification; lost when the server is not running. */
  notify(method: string, params: object): void;

  /** Positions and places between the editor and the wire. */
  toUri(uri: string): import("vscode").Uri;
  fromUri(uri: import("vscode").Uri): string;
}
