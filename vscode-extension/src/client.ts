/**
 * The connection to the server: the only file that knows the language client.
 *
 * One language client a start; a crash makes a new one. Commands are not left to it (see `commands.ts`). Start with
 * `Client.start`.
 */
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  LSPErrorCodes,
  ResponseError,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import type {
  ClientCapabilities,
  FeatureState,
  LanguageClientOptions,
  ServerCapabilities,
  StaticFeature,
} from "vscode-languageclient/node";
import type { Channel } from "./channel";
import { isAsked } from "./codeIntel";
import { AnswerError } from "./errors";
import { writeServerLine } from "./log";
import type { ServerProcess } from "./process";
import { StartFailure } from "./start/failure";

export const UPDATE = "copydesk/session/update";
const STOP_LIMIT_MS = 3_000;
const END_LIMIT_MS = 1_000;
const INITIALIZE_LIMIT_MS = 60_000;

export type Handler = (params: never, token: vscode.CancellationToken) => Promise<unknown>;

export interface ConnectionOptions {
  readonly channel: Channel;
  readonly handlers: ReadonlyMap<string, Handler>;
  /** What the person set, for this place. */
  readonly settings: (scope: vscode.Uri | undefined) => Record<string, unknown>;
  readonly onUpdate: (update: unknown) => void;
  /** The connection ended, and nobody asked for it. */
  readonly onLost: () => void;
}

/** One server process and the language client that speaks to it. */
export class Connection {
  private readonly client: QuietClient;
  private readonly feature: OwnFeature;
  private stopping = false;
  private running = false;

  constructor(
    private readonly server: ServerProcess,
    private readonly options: ConnectionOptions,
  ) {
    // Permissions are asked here, by what updates tell: no dialog of the language client's beside them.
    this.feature = new OwnFeature([...options.handlers.keys(), UPDATE, "copydesk.permission.answer"]);
    this.client = new QuietClient("copydesk", "Copydesk", () => Promise.resolve(server.child), this.clientOptions());
    this.client.registerFeature(this.feature);
    for (const [method, handle] of options.handlers) this.answer(method, handle);
    this.client.onNotification(UPDATE, options.onUpdate);
  }

  /** The commands that the server has announced. */
  get commands(): readonly string[] {
    return this.feature.commands;
  }

  async start(): Promise<void> {
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => {
        reject(new StartFailure(`The Copydesk server did not answer within ${INITIALIZE_LIMIT_MS / 1000} s.`));
      }, INITIALIZE_LIMIT_MS);
    });
    try {
      await Promise.race([this.client.start(), this.server.ended, late]);
      this.running = true;
    } catch (error) {
      this.stopping = true;
      // A pipe that broke is only the sign of a process that ended: that one says more.
      if (!(error instanceof StartFailure) && (await this.server.isOverWithin(END_LIMIT_MS))) await this.server.ended;
      this.server.kill();
      throw error;
    }
  }

  /** Sends one of the server's commands. */
  async execute(command: string, argument: unknown): Promise<unknown> {
    const params = { command, arguments: argument === undefined ? [] : [argument] };
    try {
      return await this.client.sendRequest("workspace/executeCommand", params);
    } catch (error) {
      throw new Error(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }

  /** Answers a request that was not known when this connection began. */
  answer(method: string, handle: Handler): vscode.Disposable {
    const ask = handle as (params: unknown, token: vscode.CancellationToken) => Promise<unknown>;
    return this.client.onRequest(method, (params: unknown, token: vscode.CancellationToken) =>
      ask(params, token).catch((error: unknown) => {
        if (error instanceof AnswerError)
          return new ResponseError(LSPErrorCodes.RequestFailed, error.message, error.data);
        throw error;
      }),
    );
  }

  notify(method: string, params: object): void {
    if (this.running && !this.stopping) void this.client.sendNotification(method, params).catch(() => undefined);
  }

  /** Tells the server that settings have changed. */
  configure(): void {
    this.notify("workspace/didChangeConfiguration", {
      settings: { copydesk: this.options.settings(undefined), workspaceTrusted: vscode.workspace.isTrusted },
    });
  }

  /** Asks the server to end; ends it when it does not. */
  async stop(): Promise<void> {
    const wasRunning = this.running && !this.stopping;
    this.stopping = true;
    if (wasRunning) await this.client.stop(STOP_LIMIT_MS).catch(() => undefined);
    await this.server.end(STOP_LIMIT_MS);
    await this.client.dispose(0).catch(() => undefined);
  }

  private clientOptions(): LanguageClientOptions {
    const { channel, settings } = this.options;
    return {
      // Everything that is text: files, new ones, the cells of notebooks, and the documents the server makes.
      documentSelector: ["file", "untitled", "vscode-notebook-cell", "copydesk"].map((scheme) => ({ scheme })),
      outputChannel: channel.log,
      traceOutputChannel: channel.trace,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: () => ({ copydesk: settings(undefined), workspaceTrusted: vscode.workspace.isTrusted }),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          const wasLost = this.running && !this.stopping;
          this.running = false;
          if (wasLost) this.options.onLost();
          return {
            action: CloseAction.DoNotRestart,
            handled: true,
            message: "The connection to the server has ended.",
          };
        },
      },
      stdioOptions: {
        stdout: () => undefined,
        stderr: (input) => {
          this.server.readLines(input, (line) => {
            writeServerLine(line, channel.log);
          });
        },
      },
      middleware: {
        // Asked by us for the hovers of others: ours would ask the server what the server asks.
        provideHover: (document, position, token, next) =>
          isAsked(document.uri, position) ? undefined : next(document, position, token),
        workspace: {
          // With all that the client would answer, the defaults would look like a person's choice.
          configuration: (params, token, next) =>
            params.items.every((item) => item.section === "copydesk")
              ? params.items.map(({ scopeUri }) => settings(scopeUri ? vscode.Uri.parse(scopeUri) : undefined))
              : next(params, token),
        },
      },
    };
  }
}

/** Says what this extension takes, and keeps the commands for `commands.ts`: registered once, over every restart. */
class OwnFeature implements StaticFeature {
  commands: readonly string[] = [];

  constructor(private readonly methods: readonly string[]) {}

  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), copydesk: this.methods };
    // The status bar item and the live view show how a turn goes: a second item beside them would only repeat it.
    if (capabilities.window) capabilities.window.workDoneProgress = false;
    if (capabilities.workspace?.executeCommand) capabilities.workspace.executeCommand.dynamicRegistration = false;
  }

  preInitialize(capabilities: ServerCapabilities): void {
    this.commands = capabilities.executeCommandProvider?.commands ?? [];
    delete capabilities.executeCommandProvider;
  }

  initialize(): void {
    // everything is done in preInitialize
  }

  getState(): FeatureState {
    return { kind: "static" };
  }

  clear(): void {
    // nothing is held
  }
}

/** Messages to the person are ours to write; the client's own say less, and some say it twice. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}
