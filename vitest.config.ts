import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What has most to wait for begins first, so that the rest fills in beside it. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => ORDER.findIndex((folder) => moduleId.includes(folder))
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}
const ORDER = ['/test/faults/', '/test/e2e/', '/test/lab/', '']

// Engines and clusters are mostly waited for: two files at a time keep two cores busy, and more would starve each other.
const shared = { hookTimeout: 120_000, maxWorkers: 2, sequence: { groupOrder: 0 } }
const REAL = ['test/{e2e,faults,lab}/**/*.test.ts', 'test/server/{archive/s3,store/elasticsearch}*.test.ts']

export default defineConfig({
  test: {
    reporters: ['default', './test/lab/reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...shared, name: 'unit', include: ['test/**/*.test.ts'], exclude: REAL, testTimeout: 30_000 } },
      // These start engines, Swarms and clusters.
      { test: { ...shared, name: 'real', include: REAL, testTimeout: 60_000 } },
    ],
  },
})
