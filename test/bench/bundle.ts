/*
 * Saves a bundle of a million lines (or so many as are given) and opens it: time, size and memory; beside it zstd, over what
 * our own `tail -t` prints of the same lines. See bundle-swarm.ts for `docker service logs -t` itself.
 *
 *   node test/bench/bundle.ts FOLDER [LINES]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { wallTime } from './measure.ts'
import { filled } from './search-lines.ts'
import { MAIN, timed } from './timed.ts'

const [, , folder = '/tmp/swarmlogs-bundle', count = '1000000'] = process.argv
const LISTEN = '127.0.0.1:4299'

const env = { SWARMLOGS_URL: `http://${LISTEN}`, XDG_CACHE_HOME: join(folder, 'cache') }

/** What one would keep without bundles. */
async function packed(printed: string): Promise<void> {
  const file = await open(printed, 'w')
  await timed('print by tail -t', ['tail', '-n', 'all', '-t', '--since', '2d'], { env, output: file.fd })
  await file.close()
  const ms = await wallTime('zstd', ['-q', '-3', '-f', printed])
  const [bytes, zstd] = await Promise.all([printed, `${printed}.zst`].map(async (path) => (await stat(path)).size))
  process.stdout.write(`zstd -3 of that: ${(ms / 1000).toFixed(1)} s, ${zstd} bytes of ${bytes}\n`)
  await Promise.all([printed, `${printed}.zst`].map((path) => rm(path)))
}

const { store, plain } = await filled(folder, Number(count))
const server = spawn(process.execPath, [
  MAIN,
  'server',
  '--data',
  store,
  '--listen',
  LISTEN,
  '--forward',
  '127.0.0.1:4298',
])
try {
  await once(server.stdout, 'data')
  const file = join(folder, 'bench.slog')
  await rm(file, { force: true })
  await rm(join(folder, 'cache'), { recursive: true, force: true })
  await timed('save', ['incident', 'save', 'bench', '--since', '2d', '-o', file], { env })
  const [bundle = 0, lines = 1] = await Promise.all([file, plain].map(async (path) => (await stat(path)).size))
  process.stdout.write(`bundle: ${bundle} bytes, ${(bundle / lines).toFixed(3)} of the lines themselves\n`)
  await packed(join(folder, 'printed.log'))
  await timed('open and count', ['--archive', file, 'search', 'nowhere', '--since', '2d'], { env })
  await timed('open again and search', ['--archive', file, 'search', 'nowhere', '--since', '2d'], { env })
  await timed('search on the server', ['search', 'nowhere', '--since', '2d'], { env })
  await timed('verify', ['incident', 'verify', file], { env })
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
}
