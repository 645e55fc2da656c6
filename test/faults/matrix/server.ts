import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../lab/program.ts'
import { AckTimes } from '../rig/ack-times.ts'
import type { Fault } from '../rig/drive.ts'
import { Flood } from '../rig/flood.ts'
import type { Scene } from '../rig/scene.ts'
import { longestSilence } from '../rig/silence.ts'

/** The longest that a line may wait for its ack while the server takes those of another agent, and, 99 times of 100, while it searches. */
const BUSY_MS = 3_000
const SEARCHING_MS = 1_000
/** The longest that a stop may take. */
const STOP_MS = 10_000

/** What happens to a server besides kills. */
export const server: readonly Fault[] = [
  {
    name: 'S2',
    title: 'SIGTERM of the server under load, again and again',
    isShort: true,
    async run(scene) {
      await scene.begin(3, { burst: scene.times(20, 50) })
      for (let stop = 0; stop < scene.times(5, 50); stop++) {
        await scene.pause(100, 800)
        const started = performance.now()
        const code = await scene.server.end('SIGTERM')
        const took = performance.now() - started
        if (code !== 0 || took > STOP_MS) throw new Error(`the server ended with ${code} after ${took} ms`)
        await scene.startServer()
      }
    },
  },
  {
    name: 'S3',
    title: 'the server is stopped for 5 s or 5 minutes, then goes on',
    isShort: false,
    async run(scene) {
      await scene.begin()
      scene.server.child.kill('SIGSTOP')
      await delay(scene.times(5_000, 300_000))
      scene.server.child.kill('SIGCONT')
      scene.over()
    },
  },
  {
    name: 'S8',
    title: "the server's store is removed; of the oldest lines Docker has none any more",
    isShort: true,
    mayLose: true,
    async run(scene) {
      await scene.begin(3, { flags: ['--log-opt', 'max-size=20k', '--log-opt', 'max-file=2'] })
      await scene.arrival(3_000)
      await scene.server.end('SIGKILL')
      await rm(scene.dataDir, { recursive: true })
      scene.answers.forget()
      await scene.startServer()
      await scene.arrival(500)
      const ready = async () => (await (await fetch(`${scene.url}/readyz`)).json()) as { note?: string }
      // The gap is told when the log has been read to where it begins now.
      await eventually(
        'the note in /readyz',
        60_000,
        async () => (await ready()).note?.includes('the store changed') === true,
      )
    },
  },
  {
    name: 'S5',
    title: 'another agent floods the server: acks of this one go on',
    isShort: false,
    async run(scene) {
      await scene.begin()
      const flood = new Flood(scene)
      const silentMs = await longestSilence(scene, scene.times(5_000, 30_000))
      const lines = await flood.stop()
      if (silentMs > BUSY_MS) throw new Error(`no ack for ${silentMs} ms`)
      if (lines === 0) throw new Error('nothing flooded')
    },
  },
  {
    name: 'S7',
    title: 'eight searches and counts over everything at a time: 99 of 100 acks come within a second',
    isShort: true,
    // Nothing else may take the server's time.
    isAlone: true,
    async run(scene) {
      const acks = new AckTimes(scene.network)
      await scene.begin()
      await scene.arrival(10_000)
      acks.forget()
      const stop = new AbortController()
      const answers = await Promise.all([...PATHOLOGICAL, ...PATHOLOGICAL].map((query) => asked(scene, query)))
      if (answers.some((length) => length === 0)) throw new Error('a search found nothing')
      const searches = [...PATHOLOGICAL, ...PATHOLOGICAL].map(async (query) => {
        while (!stop.signal.aborted) await asked(scene, query)
      })
      await delay(scene.times(8_000, 60_000))
      const { count, p99Ms } = acks
      stop.abort()
      await Promise.all(searches)
      scene.network.clear()
      if (count < 10 || p99Ms > SEARCHING_MS) throw new Error(`of ${count} acks 99 % came within ${p99Ms} ms`)
    },
  },
]

/** What costs a server most: it reads every line, and its answer is long, or short after much work. */
const PATHOLOGICAL = [
  'search?since=1d&grep=payload',
  `search?since=1d&q=${encodeURIComponent('/(p|a|y|l|o|d|-|[0-9])+[0-9]$/')}`,
  `count?since=1d&q=${encodeURIComponent('/.*(1.*2|3.*4|5.*6).*9/ OR -payload OR /([a-z]+[0-9]+ ?)+7$/i')}`,
  'patterns?since=1d',
] as const

/** Asks the server to the end of its answer; how long that is. */
async function asked({ url }: Scene, query: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/${query}`, {
    headers: { accept: 'application/x-ndjson, application/json' },
  })
  if (!answer.ok) throw new Error(`${query} was answered ${answer.status}: ${await answer.text()}`)
  return (await answer.text()).length
}
