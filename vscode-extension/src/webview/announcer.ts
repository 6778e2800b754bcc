/**
 * What a screen reader is told while a turn runs: whole blocks of the answer, steps and the end, not every piece.
 *
 * The visible text is no live region: blocks that are made anew would be read again and again.
 */
import type { Prose } from "./prose";

const PAUSE_MS = 1_000;

export class Announcer {
  private waiting: string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private prose: Prose | undefined;
  private said = 0;

  constructor(private readonly region: HTMLElement) {}

  /** The text to follow from now on; what it has already is not news. */
  follow(prose: Prose, isNew: boolean): void {
    this.finish();
    this.prose = prose;
    this.said = isNew ? 0 : prose.whole.length;
  }

  /** Says the blocks that are whole by now. */
  advance(): void {
    if (!this.prose || this.prose.settledLength <= this.said) return;
    this.say(this.prose.whole.slice(this.said, this.prose.settledLength));
    this.said = this.prose.settledLength;
  }

  /** Says the rest of the text. */
  finish(): void {
    if (this.prose && this.prose.whole.length > this.said) this.say(this.prose.whole.slice(this.said));
    this.prose = undefined;
  }

  say(text: string): void {
    const words = text.trim();
    if (!words) return;
    this.waiting.push(words);
    this.timer ??= setTimeout(() => this.flush(), PAUSE_MS);
  }

  private flush(): void {
    this.timer = undefined;
    this.region.textContent = this.waiting.join("\n");
    this.waiting = [];
  }
}
