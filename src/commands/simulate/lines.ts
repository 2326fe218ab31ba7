import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';

/** A longer line is none of ours. Characters. */
const LINE_MAX = 1 << 20;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** Some lines of a file, with the number of the first of them. */
export interface Lines {
  /** A line past {@link LINE_MAX} is null. */
  texts: (string | null)[];
  firstNumber: number;
  /** Bytes of the file read so far, and in all (0 where that is not known). */
  bytesRead: number;
  bytesTotal: number;
}

/** A file's lines a piece at a time, unpacked where it is gzip. `-` is standard input. Throws what the file system does. */
export async function* linesOf(file: string): AsyncGenerator<Lines> {
  const standard = file === '-';
  const { packed, bytesTotal } = standard ? { packed: false, bytesTotal: 0 } : await lookAt(file);
  const source = standard ? process.stdin : createReadStream(file, { highWaterMark: 1 << 18 });
  let bytesRead = 0;
  source.on('data', (chunk: Buffer) => void (bytesRead += chunk.length));
  const stream = packed ? source.pipe(createGunzip()) : source;
  // A pipe hands no error on.
  if (packed) source.on('error', (error) => stream.destroy(error));
  const decoder = new TextDecoder();
  let rest = '';
  let overlong = false;
  let next = 1;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const texts: (string | null)[] = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    if (overlong && texts.length > 1) texts[0] = null;
    rest = texts.pop() ?? '';
    overlong = (overlong && texts.length === 0) || rest.length > LINE_MAX;
    if (overlong) rest = '';
    const firstNumber = next;
    next += texts.length;
    if (texts.length > 0) yield { texts, firstNumber, bytesRead, bytesTotal };
  }
  rest += decoder.decode();
  if (overlong || rest !== '')
    yield { texts: [overlong ? null : rest], firstNumber: next, bytesRead, bytesTotal };
}

async function lookAt(file: string): Promise<{ packed: boolean; bytesTotal: number }> {
  await using handle = await open(file);
  const begin = Buffer.alloc(2);
  const { bytesRead } = await handle.read(begin, 0, 2, 0);
  return {
    packed: bytesRead === 2 && begin.equals(GZIP_MAGIC),
    bytesTotal: (await handle.stat()).size,
  };
}
