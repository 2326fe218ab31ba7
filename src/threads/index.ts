/** What the process's threads do for themselves. */
export { keepCompiled } from './compile-cache.ts';
export { trimHeap } from './trim-heap.ts';
export { trimWhenQuiet } from './trim-when-quiet.ts';
