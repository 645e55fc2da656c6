import { join } from 'node:path'
import { makeClock } from '../../lab/clock.ts'
import { swarmlogs } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'

const HOUR = 3600
/** To 2041: seconds since 1970 have more than 31 bits then. */
const FAR = 15 * 365 * 24 * HOUR

/** What clocks do that are not the engine's; steps of the engine's are in test/faults/docker.test.ts. */
export const clock: readonly Fault[] = [
  {
    name: 'A11',
    title: "the agent's clock, then the server's jumps by an hour, back, and the agent's to 2041",
    isShort: true,
    async run(scene) {
      const agent = await makeClock(join(scene.dir, 'agent-clock'))
      const server = await makeClock(join(scene.dir, 'server-clock'))
      await scene.startServer({ env: server.env })
      await scene.startAgent({ env: agent.env })
      await scene.print(3)
      await scene.arrival(100)
      for (const one of [agent, server])
        for (const seconds of [HOUR, -HOUR, 0]) {
          one.set(seconds)
          await scene.arrival(500)
        }
      agent.set(FAR)
      await scene.arrival(500)
      agent.set(0)
      await scene.arrival(100)
    },
  },
  {
    name: 'C5',
    title: "a reader's clock is wrong: `--since` and `--until` are by the server's",
    isShort: false,
    async run(scene) {
      await scene.begin()
      await scene.arrival(500)
      const reader = await makeClock(join(scene.dir, 'reader-clock'))
      const env = { SWARMLOGS_URL: scene.url, TZ: 'America/New_York', ...reader.env }
      for (const seconds of [0, 2 * HOUR, -2 * HOUR, FAR]) {
        reader.set(seconds)
        const { stdout } = await swarmlogs(['search', '--since', '30m', '--until', 'now', '-n', '5', '-o', 'json'], {
          env,
        })
        const lines = stdout.split('\n').filter(Boolean).length
        if (lines !== 5) throw new Error(`a reader whose clock is ahead by ${seconds} s sees ${lines} lines of 5`)
      }
    },
  },
]
