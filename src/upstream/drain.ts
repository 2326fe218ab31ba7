/** The end of an upstream: no new calls, time for those under way, then the rest is given up. */
export class Drain {
  /** Takes no more calls. */
  begun = false;
  private over: (() => void)[] = [];

  /** Resolves on `finish`; calls `abandon` if that has not come after `graceMs`. */
  begin(graceMs: number, abandon: () => void): Promise<void> {
    this.begun = true;
    return new Promise((resolve) => {
      const timer = setTimeout(abandon, graceMs);
      this.over.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  finish(): void {
    for (const over of this.over.splice(0)) over();
  }
}
