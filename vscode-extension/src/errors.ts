/** An error whose `data` reaches the server with the answer. `client.ts` puts it on the wire. */
export class AnswerError extends Error {
  constructor(
    message: string,
    readonly data: Readonly<Record<string, unknown>>,
  ) {
    super(message);
  }
}
