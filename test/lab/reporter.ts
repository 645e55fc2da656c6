import type { Reporter, TestModule } from 'vitest/node'
/** Prints the closing line "N passed, N failed, N skipped" that CI reads. */
export default class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
    const n = { passed: 0, failed: errors.length, skipped: 0 }
    for (const m of modules) {
      if (m.errors().length) n.failed++
      for (const t of m.children.allTests()) {
        const s = t.result().state
        if (s === 'passed') n.passed++
        else if (s === 'failed') n.failed++
        else n.skipped++
      }
    }
    process.on('exit', () =>
      process.stdout.write(`\n${n.passed} passed, ${n.failed} failed${n.skipped ? `, ${n.skipped} skipped` : ''}\n`),
    )
  }
}
