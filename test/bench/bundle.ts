/*
 * Saves a bundle of a million lines (or so many as are given) and opens it: time, size and memory, beside the same lines packed by zstd.
 *
 *   node test/bench/bundle.ts FOLDER [LINES]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filled } from './search-lines.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const [, , folder = '/tmp/swarmlogs-bundle', count = '1000000'] = process.argv
const LISTEN = '127.0.0.1:4299'

/** Runs the CLI under time(1): how long it took, and the most memory that it had. */
async function timed(what: string, args: readonly string[], url = `http://${LISTEN}`): Promise<number> {
  const env = { ...process.env, SWARMLOGS_URL: url, XDG_CACHE_HOME: join(folder, 'cache') }
  const startMs = performance.now()
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let peak = 0
  const watch = setInterval(async () => {
    const text = await import('node:fs/promises')
      .then((fs) => fs.readFile(`/proc/${child.pid}/status`, 'utf8'))
      .catch(() => '')
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))
  }, 20)
  const [code] = await once(child, 'exit')
  clearInterval(watch)
  const seconds = (performance.now() - startMs) / 1000
  process.stdout.write(
    `${what}: ${seconds.toFixed(1)} s, ${Math.round(peak / 1024)} MiB at most${code === 0 ? '' : `, exit code ${code}`}\n`,
  )
  return seconds
}

const { store, plain, packed } = await filled(folder, Number(count))
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
  await timed('save', ['incident', 'save', 'bench', '--since', '2d', '-o', file])
  const sizes = await Promise.all([file, plain, packed].map(async (path) => (await stat(path)).size))
  const [bundle = 0, lines = 1, zstd = 0] = sizes
  process.stdout.write(
    `bytes per byte of line: bundle ${(bundle / lines).toFixed(3)}, zstd -3 ${(zstd / lines).toFixed(3)}\n`,
  )
  await timed('open and count', ['--archive', file, 'search', 'nowhere', '--since', '2d'])
  await timed('open again and search', ['--archive', file, 'search', 'nowhere', '--since', '2d'])
  await timed('search on the server', ['search', 'nowhere', '--since', '2d'])
  await timed('verify', ['incident', 'verify', file])
} finally {
  server.kill('SIGTERM')
  await once(server, 'exit')
}
