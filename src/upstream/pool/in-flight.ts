import type { CellPlaces } from './cells.ts';

/** Calls that one upstream has in flight: of this worker, and in the cells that all workers read. */
export class InFlight {
  /** Of this worker. */
  own = 0;
  private readonly places: CellPlaces;
  private readonly cell: number;

  constructor(places: CellPlaces, worker: number) {
    this.places = places;
    this.cell = places.inFlight + worker * places.stride;
  }

  ofAll(): number {
    const { cells, inFlight, workers, stride } = this.places;
    let sum = 0;
    for (let worker = 0; worker < workers; worker++) sum += Atomics.load(cells, inFlight + worker * stride);
    return sum;
  }

  /** One more, where there is no bound. */
  enterFreely(): void {
    this.own++;
    this.places.cells[this.cell]!++;
  }

  /** One more; false where all workers together have `bound` already. */
  enter(bound: number): boolean {
    // Counted first, then looked at: of two workers that race for the last place at least one sees the other.
    Atomics.add(this.places.cells, this.cell, 1);
    this.own++;
    if (this.ofAll() <= bound) return true;
    this.leave();
    return false;
  }

  leave(): void {
    this.own--;
    this.places.cells[this.cell]!--;
  }
}
