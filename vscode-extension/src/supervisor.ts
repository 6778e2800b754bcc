/**
 * The server over the life of a window: started, started again when it crashes, given up when it crashes too often.
 *
 * This is the `Server` that the views see. Start with `start`.
 */
import * as vscode from "vscode";
import type { Channel } from "./channel";
import { Connection, type Handler } from "./client";
import type { Keys } from "./keys";
import { ServerProcess } from "./process";
import type { Server, ServerState, SessionUpdate } from "./server";
import { BackOff } from "./start/backoff";
import { childEnvironment } from "./start/environment";
import { StartFailure } from "./start/failure";
import type { Starter } from "./start";

/** For a server that has closed its connection and still runs. */
const END_LIMIT_MS = 2_000;

interface Status {
  readonly capabilities?: readonly string[];
}

export class Supervisor implements Server {
  state: ServerState = "stopped";
  capabilities: ReadonlySet<string> = new Set();
  private readonly states = new vscode.EventEmitter<ServerState>();
  private readonly updates = new vscode.EventEmitter<SessionUpdate>();
  private readonly handlers = new Map<string, Handler>();
  private readonly backOff = new BackOff();
  private connection: Connection | undefined;
  private starting: Promise<void> | undefined;
  private failure: StartFailure | undefined;
  private isOver = false;

  readonly onDidChangeState = this.states.event;
  readonly onDidUpdate = this.updates.event;

  constructor(
    private readonly starter: Starter,
    private readonly keys: Keys,
    private readonly channel: Channel,
    private readonly settings: (scope: vscode.Uri | undefined) => Record<string, unknown>,
    private readonly onFailure: (failure: StartFailure) => void,
  ) {}

  /** The commands that the running server has announced. */
  get commands(): readonly string[] {
    return this.connection?.commands ?? [];
  }

  /** Starts the server if it does not run. Never rejects: a failure is shown, and kept for those who wait. */
  start(): Promise<void> {
    this.starting ??= this.startNow().finally(() => {
      this.starting = undefined;
    });
    return this.starting;
  }

  /** The person asks for a new start: what has gone wrong before is forgotten. */
  async restart(): Promise<void> {
    await this.starting;
    this.backOff.reset();
    await this.disconnect();
    await this.start();
  }

  /** Waits until the server runs. Rejects with what keeps it from running. */
  async ready(): Promise<void> {
    while (this.state === "starting") {
      await new Promise<void>((resolve) => {
        const heard = this.onDidChangeState(() => {
          heard.dispose();
          resolve();
        });
      });
    }
    if (this.state !== "running") throw this.failure ?? new StartFailure("The Copydesk server does not run.");
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.disconnect();
    this.become("stopped");
  }

  async execute<T>(command: string, argument?: unknown): Promise<T> {
    await this.ready();
    return (await this.connected().execute(command, argument)) as T;
  }

  onRequest<P, R>(
    method: string,
    handle: (params: P, token: vscode.CancellationToken) => Promise<R>,
  ): vscode.Disposable {
    this.handlers.set(method, handle);
    const registered = this.connection?.answer(method, handle);
    return new vscode.Disposable(() => {
      if (this.handlers.get(method) === handle) this.handlers.delete(method);
      registered?.dispose();
    });
  }

  notify(method: string, params: object): void {
    this.connection?.notify(method, params);
  }

  /** Settings have changed. */
  configure(): void {
    this.connection?.configure();
  }

  toUri(uri: string): vscode.Uri {
    return vscode.Uri.parse(uri, true);
  }

  fromUri(uri: vscode.Uri): string {
    return uri.toString();
  }

  private connected(): Connection {
    if (this.connection === undefined) throw new StartFailure("The Copydesk server does not run.");
    return this.connection;
  }

  private async startNow(): Promise<void> {
    if (this.connection !== undefined || this.isOver) return;
    this.failure = undefined;
    this.become("starting");
    const began = performance.now();
    try {
      this.connection = await this.connectOnceMore();
      const status = await this.connection.execute("copydesk.status", undefined).catch(() => ({}));
      this.capabilities = new Set((status as Status).capabilities);
      this.channel.log.info(
        `The server runs, ${Math.round(performance.now() - began)} ms after its start was asked for.`,
      );
      this.become("running");
    } catch (error) {
      this.fail(
        error instanceof StartFailure
          ? error
          : new StartFailure(error instanceof Error ? error.message : String(error)),
      );
    }
  }

  /** An environment whose server does not start is made anew, once. */
  private async connectOnceMore(): Promise<Connection> {
    const launch = await this.starter.launch();
    try {
      return await this.connect(launch.command);
    } catch (error) {
      if (launch.environment === undefined) throw error;
      this.channel.log.warn(`${String(error)} Its environment is made anew.`);
      await this.starter.distrust(launch);
      return await this.connect((await this.starter.launch()).command);
    } finally {
      void this.starter.use(launch).catch((error: unknown) => {
        this.channel.log.warn(`Environments that nobody uses could not be removed: ${String(error)}`);
      });
    }
  }

  private async connect(command: readonly string[]): Promise<Connection> {
    const keys = await this.keys.environment();
    this.channel.hide(Object.values(keys));
    this.channel.log.info(`Starting ${command.join(" ")}`);
    const process_ = await ServerProcess.start(command, childEnvironment(process.env, keys));
    const connection = new Connection(process_, {
      channel: this.channel,
      handlers: this.handlers,
      settings: this.settings,
      onUpdate: (update) => {
        this.updates.fire(update as SessionUpdate);
      },
      onLost: () => {
        void this.lost(connection, process_);
      },
    });
    await connection.start();
    return connection;
  }

  private async lost(connection: Connection, process_: ServerProcess): Promise<void> {
    if (this.isOver || connection !== this.connection) return;
    await process_.end(END_LIMIT_MS);
    const why = await process_.ended.catch((error: unknown) => (error as Error).message);
    await this.disconnect();
    const delay = this.backOff.crashed();
    if (delay === undefined) {
      this.fail(
        new StartFailure(`${why} That was the fifth time within three minutes, so it is not started again.`, [
          "log",
          "retry",
        ]),
      );
      return;
    }
    this.channel.log.error(`${why} It is started again in ${delay} ms.`);
    this.become("starting");
    setTimeout(() => void this.start(), delay);
  }

  private async disconnect(): Promise<void> {
    const { connection } = this;
    this.connection = undefined;
    this.capabilities = new Set();
    await connection?.stop();
  }

  private fail(failure: StartFailure): void {
    this.connection = undefined;
    this.failure = failure;
    this.channel.log.error(failure.message);
    this.become("failed");
    this.onFailure(failure);
  }

  private become(state: ServerState): void {
    this.state = state;
    this.states.fire(state);
  }
}
