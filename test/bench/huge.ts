// A container with a log of 5 GB: how soon a new line is in the store at the agent's first start (under 10 s), and after its kill -9 amid the
// history (under 5 s). Usage: huge.ts [GIGABYTES, 5]
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, startEngine } from '../lab/engine.ts'
import { startProgram } from '../lab/program.ts'
import { report, withFolder } from './measure.ts'

const BYTES = Number(process.argv[2] ?? 5) * 1e9
const LINES_PER_SECOND = 100_000
const listen = '127.0.0.1:14380'
const forward = '127.0.0.1:14324'

const engine = await startEngine({ name: 'bench' })
try {
  const id = await grown(engine)
  await withFolder(async (folder) => {
    const server = await startProgram([
      'server',
      '--data',
      join(folder, 'data'),
      '--listen',
      listen,
      '--forward',
      forward,
    ])
    const flags = ['agent', '--docker', engine.host, '--server', forward, '--state', join(folder, 'state')]
    await engine.docker(['start', id])
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    const first = performance.now()
    const agent = await startProgram(flags)
    report('first start, new line stored', `${await untilNewLine(first)} s`, 'under 10 s')
    await new Promise((resolve) => setTimeout(resolve, 15_000))
    await agent.end('SIGKILL')
    const again = performance.now()
    const second = await startProgram(flags)
    report('after kill -9, new line stored', `${await untilNewLine(again)} s`, 'under 5 s')
    await second.end('SIGKILL')
    await server.end('SIGKILL')
  })
} finally {
  await engine.stop()
}

/** A container, not started, whose log file holds lines of the last hour already; once started it prints a line every 0.1 s. */
async function grown(engine: Engine): Promise<string> {
  const print = 'while :; do echo new; usleep 100000; done'
  const id = (
    await engine.docker(['create', '--name', 'huge', '--network', 'none', 'lab/busybox:1', 'sh', '-c', print])
  ).trim()
  const root = (await engine.docker(['info', '--format', '{{.DockerRootDir}}'])).trim()
  const file = await open(join(root, 'containers', id, `${id}-json.log`), 'a', 0o640)
  const text =
    'GET /api/v1/orders/4711 HTTP/1.1 200 5123 Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 upstream=10.0.3.17 0.042'
  const startMs = Date.now() - 3_600_000
  for (let written = 0, second = 0; written < BYTES; second++) {
    const time = new Date(startMs + second * 1000).toISOString().slice(0, 19)
    const lines = Array.from(
      { length: LINES_PER_SECOND },
      (_, i) => `{"log":"${i} ${text}\\n","stream":"stdout","time":"${time}.${String(i * 1000).padStart(9, '0')}Z"}\n`,
    )
    written += (await file.write(lines.join(''))).bytesWritten
  }
  await file.close()
  return id
}

/** Seconds from `since` (of performance.now) until a line is stored that was printed after it. */
async function untilNewLine(since: number): Promise<string> {
  const started = new Date(Date.now() - (performance.now() - since)).toISOString()
  const url = `http://${listen}/api/v1/search?order=desc&limit=1&since=${started}`
  for (;;) {
    const { records } = (await (await fetch(url)).json()) as { records: unknown[] }
    if (records.length > 0) return ((performance.now() - since) / 1000).toFixed(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
