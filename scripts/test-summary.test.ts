import { expect, test } from 'vitest';
import { type Report, retried, summarise } from './test-summary.ts';

const report = (changes: Partial<Report> = {}): Report => ({
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...changes,
});

test('counts passed, failed and skipped tests', () => {
  expect(summarise(report(), 0)).toEqual({ line: '7 passed, 0 failed', failed: 0 });
  expect(summarise(report({ numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }), 1)).toEqual({
    line: '7 passed, 2 failed, 2 skipped',
    failed: 2,
  });
});

test('a file that could not be loaded is a failure', () => {
  const testResults = [{ status: 'failed', assertionResults: [] }];
  expect(summarise(report({ testResults }), 1).line).toBe('7 passed, 1 failed');
});

test('a run that failed with no failed test is a failure', () => {
  expect(summarise(report(), 1).line).toBe('7 passed, 1 failed');
  expect(summarise(undefined, 0).line).toBe('0 passed, 1 failed');
  expect(summarise(undefined, null).line).toBe('0 passed, 1 failed');
});

test('names what was right only the second time', () => {
  const results = [
    { status: 'passed', fullName: 'at once', failureMessages: [] },
    { status: 'passed', fullName: 'later', failureMessages: ['Error: 506 > 400\n  at x'] },
    { status: 'failed', fullName: 'never', failureMessages: ['Error'] },
  ];
  const testResults = [{ status: 'failed', assertionResults: results }];
  expect(retried(report({ testResults }))).toEqual(['later: Error: 506 > 400']);
  expect(retried(undefined)).toEqual([]);
});
