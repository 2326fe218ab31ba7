import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatProblem, parseConfig } from './index.ts';
import { certA, keyA, keyB } from './testing/certificates.ts';

const text =
  'upstreams: [{ url: "http://127.0.0.1:8545" }]\nserver:\n  tls:\n    cert: tls/cert.pem\n    key: /abs/key.pem\n';

function load(files: Record<string, string>): string[] {
  const result = parseConfig(text, {
    env: {},
    file: 'c.yaml',
    directory: '/etc',
    readFile(path) {
      const contents = files[path];
      if (contents === undefined) throw Object.assign(new Error('no'), { code: 'EACCES' });
      return Buffer.from(contents);
    },
  });
  if (!result.ok) return result.problems.map(formatProblem);
  expect(result.files).toEqual(['/etc/tls/cert.pem', '/abs/key.pem']);
  expect(result.tls).toEqual({ cert: certA, key: keyA });
  return [];
}

describe('server.tls', () => {
  it('takes a certificate and its key, and says which files they are', () => {
    expect(new X509Certificate(certA).subject).toBe('CN=a');
    expect(load({ '/etc/tls/cert.pem': certA, '/abs/key.pem': keyA })).toEqual([]);
  });

  it.each([
    [
      'a file that may not be read',
      { '/etc/tls/cert.pem': certA },
      'c.yaml:5:10: error: server.tls.key: cannot read /abs/key.pem: no permission to read it',
    ],
    [
      'a certificate that is none',
      { '/etc/tls/cert.pem': 'x', '/abs/key.pem': keyA },
      'c.yaml:4:11: error: server.tls.cert: /etc/tls/cert.pem holds no PEM certificate',
    ],
    [
      'a key that is none',
      { '/etc/tls/cert.pem': certA, '/abs/key.pem': certA },
      'c.yaml:5:10: error: server.tls.key: /abs/key.pem holds no usable PEM private key',
    ],
    [
      'the key of another',
      { '/etc/tls/cert.pem': certA, '/abs/key.pem': keyB },
      'c.yaml:5:10: error: server.tls.key: /abs/key.pem is not the key of the certificate',
    ],
  ])('refuses %s', (_, files, problem) => {
    expect(load(files)).toEqual([problem]);
  });
});
