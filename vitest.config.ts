import { defineConfig } from 'vitest/config'

const shared = { hookTimeout: 120_000 }
const REAL = ['test/{e2e,faults,lab}/**/*.test.ts', 'test/server/{archive/s3,store/elasticsearch}*.test.ts']
/** One fault after another, on one node and on a Swarm. */
const MATRICES = ['test/faults/{matrix,swarm}.test.ts']

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
          exclude: MATRICES,
          testTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Most of the time they wait, so both run at once, and three faults of one node (test/faults/matrix.test.ts).
        test: {
          ...shared,
          name: 'faults',
          include: MATRICES,
          testTimeout: 60_000,
          maxWorkers: 2,
          maxConcurrency: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
