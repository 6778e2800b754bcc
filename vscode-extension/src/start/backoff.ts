/** How long to wait before a server that crashed is started again, and when to give up. */

const MAX_CRASHES = 5;
const WINDOW_MS = 3 * 60_000;
const DELAYS_MS = [0, 1_000, 2_000, 5_000];

export class BackOff {
  private crashes: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Notes a crash: the delay before the next start in ms, or undefined after 5 crashes within 3 minutes. */
  crashed(): number | undefined {
    const at = this.now();
    this.crashes = [...this.crashes.filter((earlier) => at - earlier < WINDOW_MS), at];
    if (this.crashes.length >= MAX_CRASHES) return undefined;
    return DELAYS_MS[this.crashes.length - 1];
  }

  /** The person asked for a start: what was is forgotten. */
  reset(): void {
    this.crashes = [];
  }
}
