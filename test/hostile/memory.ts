import { readFileSync } from 'node:fs';

/** Resident memory of a process in MiB; undefined where the system does not show it. */
export function residentMiB(pid: number): number | undefined {
  try {
    const pages = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return pages === undefined ? undefined : Number(pages) / 1024;
  } catch {
    return undefined;
  }
}

/** The most that a process takes while `work` runs, over what it took before. */
export async function growthMiB(pid: number, work: () => Promise<void>): Promise<number> {
  const before = residentMiB(pid) ?? 0;
  let most = before;
  const look = setInterval(() => (most = Math.max(most, residentMiB(pid) ?? 0)), 20);
  await work();
  clearInterval(look);
  return Math.max(most, residentMiB(pid) ?? 0) - before;
}
