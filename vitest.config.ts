import { defineConfig } from 'vitest/config'

const shared = { hookTimeout: 120_000 }
const REAL = ['test/{e2e,faults,lab}/**/*.test.ts', 'test/server/{archive/s3,store/elasticsearch}*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', './test/lab/reporter.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: REAL,
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // These start engines, Swarms and clusters: one file at a time, after the others.
        test: {
          ...shared,
          name: 'real',
          include: REAL,
          testTimeout: 60_000,
          fileParallelism: false,
          // So many faults are done at once (test/faults/matrix.test.ts): most of the time they wait.
          maxConcurrency: 3,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
