// (d) `swarmlogs tail -n 100`, the whole process, against `node -e 0`: at most 3 times its wall time.
import { startProgram } from '../lab/program.ts'
import { fill } from './fill.ts'
import { report, side, wallTime, withFolder } from './measure.ts'

await withFolder(async (folder) => {
  const listen = '127.0.0.1:14380'
  const forward = '127.0.0.1:14324'
  const server = await startProgram([
    'server',
    '--data',
    folder,
    '--listen',
    listen,
    '--forward',
    forward,
    '--insecure',
  ])
  await fill(forward, { containers: 10, lines: 100_000 })
  const best = await side(
    25,
    () =>
      wallTime(process.execPath, ['dist/cli/main.js', 'tail', '-n', '100', 'web'], {
        SWARMLOGS_URL: `http://${listen}`,
      }),
    () => wallTime(process.execPath, ['-e', '0']),
  )
  report(
    'tail -n 100 / node -e 0',
    `${(best.ours / best.theirs).toFixed(2)} (${best.ours.toFixed(0)} ms / ${best.theirs.toFixed(0)} ms)`,
    'at most 3',
  )
  await server.end('SIGTERM')
})
