// The terminal UI at 2 k lines/s on 200x50: half a core at most, a key answered within 50 ms (p99), at most 20 frames/s.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { startProgram } from '../lab/program.ts'
import { quantile, report, withFolder } from './measure.ts'

const LINES_PER_SECOND = 2000
const BATCH_MS = 20
/** Fewer than fit into the row of the prompt. */
const KEYS = 150
const KEY_MS = 150
const WARM_MS = 8000
/** Ink begins each frame with it. */
const FRAME = '\x1b[?2026h'
const TICKS_PER_SECOND = 100
const listen = '127.0.0.1:14382'
const url = `http://${listen}`

await withFolder(async (folder) => {
  const server = await startProgram(['server', '--data', folder, '--listen', listen, '--forward', '127.0.0.1:14326'])
  const stop = new AbortController()
  const sending = send(stop.signal)
  const ui = spawn(
    'script',
    ['-qfec', `stty rows 50 cols 200; exec ${process.execPath} dist/cli/main.js ui`, '/dev/null'],
    {
      env: { ...process.env, SWARMLOGS_URL: url, TERM: 'xterm-256color' },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  let frames = 0
  ui.stdout.on('data', (bytes: Buffer) => {
    frames += bytes.toString('latin1').split(FRAME).length - 1
  })
  await delay(WARM_MS)
  const pid = await childOf(ui)
  const [cpu, started, drawn] = [await cpuSeconds(pid), performance.now(), frames]
  const delays = await pressKeys(ui)
  const seconds = (performance.now() - started) / 1000
  const share = ((await cpuSeconds(pid)) - cpu) / seconds
  ui.stdin.write('\x03')
  await once(ui, 'exit')
  stop.abort()
  const sent = await sending
  await server.end('SIGTERM')
  report('UI, lines sent', `${(sent.lines / sent.seconds).toFixed(0)}/s`, `${LINES_PER_SECOND}/s`)
  report('UI, CPU', `${(share * 100).toFixed(0)} % of a core`, 'under 50 %')
  report('UI, frames', `${((frames - drawn) / seconds).toFixed(1)}/s`, 'at most 20/s')
  report(
    'UI, CPU a frame',
    `${((share * 1000 * seconds) / Math.max(1, frames - drawn)).toFixed(1)} ms`,
    'all work included',
  )
  const texts = [0.5, 0.99].map((part) => `${quantile(delays, part).toFixed(0)} ms`)
  report('UI, key to its frame', `median ${texts[0]}, p99 ${texts[1]}`, 'p99 under 50 ms')
})

/** Sends lines at an even rate until the signal comes. */
async function send(signal: AbortSignal): Promise<{ lines: number; seconds: number }> {
  const started = performance.now()
  let lines = 0
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - started) / 1000) * LINES_PER_SECOND)
    const body = Array.from({ length: due - lines }, (_, index) => {
      const text = `GET /cart/${lines + index} 200 in ${index % 90} ms for some user with a name of some length`
      return JSON.stringify({ '@timestamp': new Date().toISOString(), message: text })
    })
    lines = Math.max(lines, due)
    if (body.length > 0) {
      const headers = { 'content-type': 'application/x-ndjson' }
      const answer = await fetch(`${url}/api/v1/ingest?service=shop_web`, {
        method: 'POST',
        headers,
        body: body.join('\n'),
      })
      if (!answer.ok) throw new Error(`cannot send lines: ${answer.status} ${await answer.text()}`)
      await answer.arrayBuffer()
    }
    await delay(BATCH_MS)
  }
  return { lines, seconds: (performance.now() - started) / 1000 }
}

/** Types into the prompt of `/` and gives how long each letter took to be seen. */
async function pressKeys(ui: ChildProcess): Promise<number[]> {
  const delays: number[] = []
  for (let index = 0; index < KEYS; index++) {
    // Each letter that is typed is drawn behind those before it.
    const key = index === 0 ? '/' : String.fromCharCode(0x61 + (index % 26))
    const wanted = index === 0 ? 'find:' : `${key}▏`
    delays.push(await answered(ui, key, wanted))
    await delay(KEY_MS * (0.5 + Math.random()))
  }
  return delays.slice(1)
}

function answered(ui: ChildProcess, key: string, wanted: string): Promise<number> {
  const started = performance.now()
  let seen = ''
  return new Promise((resolve) => {
    const look = (bytes: Buffer) => {
      // What is cut anywhere is compared byte by byte.
      seen += bytes.toString('latin1')
      if (!seen.includes(Buffer.from(wanted).toString('latin1'))) return
      ui.stdout?.off('data', look)
      resolve(performance.now() - started)
    }
    ui.stdout?.on('data', look)
    ui.stdin?.write(key)
  })
}

async function childOf(ui: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${ui.pid}/task/${ui.pid}/children`, 'utf8')
  return Number(children.trim().split(' ')[0])
}

async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const [, user = 0, system = 0] = /\) (?:\S+ ){11}(\d+) (\d+)/.exec(stat)?.map(Number) ?? []
  return (user + system) / TICKS_PER_SECOND
}
