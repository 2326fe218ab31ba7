import type { StoreOwner } from '../store/index.ts';

/** Whether who says that they hold a folder is there: one that was killed has left its name behind. One in another container looks dead. */
export function isAlive(owner: StoreOwner | undefined): owner is StoreOwner {
  if (owner === undefined) return false;
  try {
    return process.kill(owner.pid, 0);
  } catch (error) {
    // Another user's process is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
