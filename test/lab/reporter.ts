import type { Reporter, TestModule } from 'vitest/node'

/**
 * Prints the closing line "N passed, N failed[, N skipped]" that CI reads, over all projects. A file or a group that failed outside
 * its tests (it cannot be loaded, a hook threw) counts as one more failed: its tests count as skipped only.
 */
export default class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const groups = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    const passed = count('passed')
    const failed = count('failed') + groups.filter((group) => group.errors().length > 0).length + errors.length
    const skipped = tests.length - passed - count('failed')
    const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
    for (const test of tests) {
      const result = test.result()
      if (result.state === 'skipped')
        process.stdout.write(`skipped: ${test.fullName}: ${result.note ?? 'a hook failed'}\n`)
    }
    // At exit, so that nothing comes after it.
    process.on('exit', () => process.stdout.write(`\n${line}\n`))
  }
}
