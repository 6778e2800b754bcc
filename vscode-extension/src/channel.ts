/** The output channel as everything writes to it: with secrets hidden, and the wire's trace as its setting says. */
import * as vscode from "vscode";
import { redact } from "./log";

export class Channel {
  /** The channel, with secrets hidden. */
  readonly log: vscode.LogOutputChannel;

  /**
   * The same channel for the language client's trace. The client traces while the level is Trace; here that is while
   * the setting `copydesk.trace.server` asks for it, and what is traced is seen at the channel's usual level.
   */
  readonly trace: vscode.LogOutputChannel;

  private readonly secrets = new Set<string>();
  private readonly levels = new vscode.EventEmitter<vscode.LogLevel>();

  constructor(channel: vscode.LogOutputChannel) {
    const log = this.cleaned(channel);
    this.log = log;
    this.trace = {
      ...log,
      get logLevel() {
        return tracing() === "off" ? vscode.LogLevel.Info : vscode.LogLevel.Trace;
      },
      onDidChangeLogLevel: this.levels.event,
      trace: (message) => {
        log.info(message);
      },
    };
  }

  /** Never writes this text. */
  hide(secrets: Iterable<string>): void {
    for (const secret of secrets) this.secrets.add(secret);
  }

  /** To be called when the setting has changed. */
  traceChanged(): void {
    this.levels.fire(this.trace.logLevel);
  }

  private cleaned(channel: vscode.LogOutputChannel): vscode.LogOutputChannel {
    const clean = (text: unknown): string =>
      redact(text instanceof Error ? describe(text) : String(text), this.secrets);
    const rest = (args: unknown[]): string[] => args.map(clean);
    return {
      name: channel.name,
      get logLevel() {
        return channel.logLevel;
      },
      onDidChangeLogLevel: channel.onDidChangeLogLevel,
      trace: (message, ...args) => {
        channel.trace(clean(message), ...rest(args));
      },
      debug: (message, ...args) => {
        channel.debug(clean(message), ...rest(args));
      },
      info: (message, ...args) => {
        channel.info(clean(message), ...rest(args));
      },
      warn: (message, ...args) => {
        channel.warn(clean(message), ...rest(args));
      },
      error: (message, ...args) => {
        channel.error(clean(message), ...rest(args));
      },
      append: (text) => {
        channel.append(clean(text));
      },
      appendLine: (text) => {
        channel.appendLine(clean(text));
      },
      replace: (text) => {
        channel.replace(clean(text));
      },
      clear: () => {
        channel.clear();
      },
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- the interface still has the old form too
      show: (...args: unknown[]) => {
        channel.show(args.at(-1) === true);
      },
      hide: () => {
        channel.hide();
      },
      dispose: () => {
        channel.dispose();
      },
    };
  }
}

function tracing(): string {
  return vscode.workspace.getConfiguration("copydesk").get("trace.server", "off");
}

function describe(error: Error): string {
  return error.stack ?? error.message;
}
