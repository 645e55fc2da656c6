import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'
import { Flood } from '../rig/flood.ts'
import { longestSilence } from '../rig/silence.ts'

/** The longest that a line may wait for its ack while the server is busy otherwise, and for a stop. */
const BUSY_MS = 3_000
const STOP_MS = 10_000

/** What happens to a server besides kills. */
export const server: readonly Fault[] = [
  {
    name: 'S2',
    title: 'SIGTERM of the server under load, again and again',
    isShort: true,
    async run(scene) {
      await scene.begin(3, { burst: 50 })
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
    title: 'eight searches over everything at a time: acks go on',
    isShort: true,
    async run(scene) {
      await scene.begin(3, { burst: 50 })
      await scene.arrival(10_000)
      const stop = new AbortController()
      const searches = Array.from({ length: 8 }, async () => {
        const url = `${scene.url}/api/v1/search?since=1d&grep=payload`
        while (!stop.signal.aborted) await (await fetch(url, { headers: { accept: 'application/x-ndjson' } })).text()
      })
      const silentMs = await longestSilence(scene, scene.times(4_000, 30_000))
      stop.abort()
      await Promise.all(searches)
      if (silentMs > BUSY_MS) throw new Error(`no ack for ${silentMs} ms`)
    },
  },
]
