/**
 * What a view adds to one of the server's commands when it is called with no argument: asking before, showing after.
 *
 * `commands.ts` calls these; `views.ts` gives them. Neither knows the other's insides.
 */
export interface PaletteCommand {
  /** The argument to send, asked of the person where it must be; undefined: the person thought better of it. */
  prepare?(given: Record<string, unknown> | undefined): Promise<Record<string, unknown> | undefined>;

  /** Shows what the server answered. */
  present?(result: unknown): Promise<void>;
}
