/** The parts of vitest's JSON report that count. */
export interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { status: string; assertionResults: TestResult[] }[];
}

interface TestResult {
  status: string;
  fullName?: string;
  /** Of a test that passed: of its first try. */
  failureMessages?: string[];
}

/** What passed only when it was run once more, and what was wrong the first time: a line each. */
export const retried = (report: Report | undefined): string[] =>
  (report?.testResults ?? []).flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages = [] }) => status === 'passed' && failureMessages.length > 0)
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages![0]!.split('\n')[0]}`),
  );

/**
 * One line, `N passed, N failed` and `, N skipped` where there are any, from vitest's report and exit status. A file
 * that failed before its tests ran counts as one failure, and so does a run that failed although no test did (an
 * unhandled error, a crash, no report).
 */
export const summarise = (
  report: Report | undefined,
  status: number | null,
): { line: string; failed: number } => {
  const brokenFiles = (report?.testResults ?? []).filter(
    (file) => file.status === 'failed' && file.assertionResults.every((result) => result.status !== 'failed'),
  );
  const counted = (report?.numFailedTests ?? 0) + brokenFiles.length;
  const failed = counted === 0 && (status !== 0 || report === undefined) ? 1 : counted;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const line = `${report?.numPassedTests ?? 0} passed, ${failed} failed`;
  return { line: skipped === 0 ? line : `${line}, ${skipped} skipped`, failed };
};
