#!/usr/bin/env node
// Nothing is imported before this check: on an older Node the imports themselves would fail, and say nothing useful.
const major = Number.parseInt(process.versions.node, 10)
if (major < 24) {
  process.stderr.write(
    `error: cannot run on Node ${process.versions.node}: swarmlogs needs Node 24 or newer; ` +
      'in its checkout `npx swarmlogs` brings its own\n',
  )
  process.exitCode = 1
} else {
  const { run } = await import('./program.ts')
  process.exitCode = await run(process.argv.slice(2))
}

export {}
