/** What each of the process's threads does for itself. */
export { trimHeap } from './trim-heap.ts';
export { trimWhenQuiet } from './trim-when-quiet.ts';
