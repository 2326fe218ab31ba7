import { describe, expect, it } from 'vitest';
import { compile, configHash, formatProblem, type LoadResult, parseConfig } from './index.ts';
import { certA, keyA } from './testing/certificates.ts';
import { testRegistries } from './testing/registries.ts';

const text = `
networks:
  a:
    upstreams:
      - url: https://one.internal
        tls: { ca: tls/ca.pem }
      - url: https://two.internal
        tls:
          ca: /abs/ca.pem
      - url: https://three.internal
        tls: { ca: tls/ca.pem }
`;

function load(files: Record<string, string>): LoadResult & { reads: string[] } {
  const reads: string[] = [];
  const result = parseConfig(text, {
    env: {},
    file: 'c.yaml',
    directory: '/etc',
    readFile(path) {
      reads.push(path);
      const contents = files[path];
      if (contents === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
      return Buffer.from(contents);
    },
  });
  return Object.assign(result, { reads });
}

const problems = (files: Record<string, string>): string[] => {
  const result = load(files);
  return result.ok ? [] : result.problems.map(formatProblem);
};

describe('upstreams’ tls.ca', () => {
  it('is read once for all that name it, watched, and given to the workers without what is no certificate', () => {
    const result = load({ '/etc/tls/ca.pem': `# ours\n${certA}${keyA}`, '/abs/ca.pem': certA + certA });
    if (!result.ok) throw new Error('not good');
    expect(result.reads).toEqual(['/etc/tls/ca.pem', '/abs/ca.pem']);
    expect(result.files).toEqual(['/etc/tls/ca.pem', '/abs/ca.pem']);
    const cas = compile(result.config, testRegistries()).networks[0]!.upstreams.map(({ ca }) => ca);
    expect(cas[0]).toBe(certA.trimEnd());
    expect(cas[1]?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(cas[2]).toBe(cas[0]);
    expect(JSON.stringify(result.config)).not.toContain('PRIVATE KEY');
  });

  it('makes another config where only the file’s contents changed', () => {
    const hash = (pem: string): string => {
      const result = load({ '/etc/tls/ca.pem': pem, '/abs/ca.pem': certA });
      return result.ok ? configHash(result.config) : 'bad';
    };
    expect(hash(certA)).toBe(hash(`\n${certA}`));
    expect(hash(certA)).not.toBe(hash(certA + certA));
  });

  it('is a problem where it is missing, holds no certificate or a broken one', () => {
    expect(problems({ '/abs/ca.pem': keyA })).toEqual([
      'c.yaml:6:20: error: networks.a.upstreams[0].tls.ca: cannot read /etc/tls/ca.pem: no such file',
      'c.yaml:9:15: error: networks.a.upstreams[1].tls.ca: /abs/ca.pem holds no PEM certificate',
      'c.yaml:11:20: error: networks.a.upstreams[2].tls.ca: cannot read /etc/tls/ca.pem: no such file',
    ]);
    const broken = certA + certA.replace('MIIBbzCC', 'AAAAAAAA');
    expect(problems({ '/etc/tls/ca.pem': certA, '/abs/ca.pem': broken })).toEqual([
      'c.yaml:9:15: error: networks.a.upstreams[1].tls.ca: /abs/ca.pem: certificate 2 cannot be read',
    ]);
  });
});
