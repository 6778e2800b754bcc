/** Why the server could not be started, in words for the person, and what can be done about it. */

export type Remedy = "log" | "retry" | "choose" | "settings";

export class StartFailure extends Error {
  constructor(
    message: string,
    readonly remedies: readonly Remedy[] = ["log", "retry", "choose", "settings"],
  ) {
    super(message);
    this.name = "StartFailure";
  }
}

/** The person cancelled the installation. */
export class Cancelled extends StartFailure {
  constructor() {
    super("Installing the Copydesk server was cancelled.", ["retry", "choose", "settings"]);
  }
}
