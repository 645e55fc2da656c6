import { defineConfig } from 'vitest/config'

const shared = { hookTimeout: 120_000 }

export default defineConfig({
  test: {
    reporters: ['default', './test/lab/reporter.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{e2e,faults,lab}/**', 'test/server/{archive/s3,store/elasticsearch}*.test.ts'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // These start engines and Swarms: one file at a time, after the others.
        test: {
          ...shared,
          name: 'real',
          include: ['test/{e2e,faults,lab}/**/*.test.ts', 'test/server/{archive/s3,store/elasticsearch}*.test.ts'],
          testTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
