import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAtollError } from '@atoll/base/error';
import { checkOptions, checkVersion, compilerArguments, outputStems, plainOptions } from './compiler-options.js';
import type { CompilerOptions } from './compiler-options.js';

const all: CompilerOptions = {
  minRuntimeVersion: 13,
  intermediateTensors: ['a;b', 'c d'],
  numSegments: 1,
  searchDelegate: true,
  delegateSearchStep: 5,
  timeoutSeconds: 90,
  multipleSubgraphs: true,
};

describe('checkOptions', () => {
  it('takes the defaults and every option within its bounds', () => {
    checkOptions(plainOptions);
    checkOptions(all);
    checkOptions({ ...plainOptions, numSegments: 4 });
  });

  const wrong: readonly (readonly [Partial<CompilerOptions>, RegExp])[] = [
    [{ minRuntimeVersion: 9 }, /^cannot compile with runtime 9: 10 to 14 are possible$/],
    [{ minRuntimeVersion: 15 }, /runtime 15/],
    [{ numSegments: 65 }, /number of segments 65: 1 to 64/],
    [{ timeoutSeconds: 86_401 }, /time in seconds 86401/],
    [{ searchDelegate: true, delegateSearchStep: 10_001 }, /search step 10001/],
    [{ delegateSearchStep: 2 }, /search step 2: it needs the search/],
    [{ numSegments: 2, intermediateTensors: ['a'] }, /one or the other$/],
    [{ intermediateTensors: ['a', ''] }, /intermediate tensor ""/],
    [{ intermediateTensors: ['a,b'] }, /intermediate tensor "a,b"/],
  ];
  for (const [options, message] of wrong) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => checkOptions({ ...plainOptions, ...options }),
        (error) => isAtollError(error, 'INVALID_ARGUMENT') && message.test(error.message),
      );
    });
  }
});

describe('checkVersion', () => {
  it('knows what came with which version, and leaves unknown ones alone', () => {
    checkVersion('16.0.384591198', all);
    checkVersion(null, all);
    checkVersion('nightly', all);
    checkVersion('2.1.302470888', { ...plainOptions, numSegments: 2 });
    checkVersion('2.0.267685300', { ...plainOptions, minRuntimeVersion: 12 });
    assert.throws(
      () => checkVersion('2.0.267685300', { ...plainOptions, numSegments: 2 }),
      /-n: it came with version 2\.1$/,
    );
    assert.throws(
      () => checkVersion('15.0.340273435', { ...plainOptions, timeoutSeconds: 9 }),
      /-t: it came with version 16/,
    );
  });
});

describe('compilerArguments', () => {
  it('says nothing of what is left to the compiler', () => {
    assert.deepEqual(compilerArguments(plainOptions, '/out', ['a.tflite', 'b.tflite']), [
      '-s',
      '-o',
      '/out',
      'a.tflite',
      'b.tflite',
    ]);
  });

  it('gives each option and its value as arguments of their own', () => {
    assert.deepEqual(compilerArguments(all, '/the out', ['m.tflite']).slice(3), [
      '-m',
      '13',
      '-i',
      'a;b,c d',
      '-d',
      '-k',
      '5',
      '-t',
      '90',
      '-a',
      'm.tflite',
    ]);
  });
});

describe('outputStems', () => {
  it('names the files as the compiler does', () => {
    assert.deepEqual(outputStems('m', plainOptions), ['m_edgetpu']);
    assert.deepEqual(outputStems('m', { ...plainOptions, numSegments: 2 }), [
      'm_segment_0_of_2_edgetpu',
      'm_segment_1_of_2_edgetpu',
    ]);
  });
});
