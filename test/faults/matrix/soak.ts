import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'
import { type Memory, memoryMb } from '../rig/memory.ts'
import type { Scene } from '../rig/scene.ts'

const CONTAINERS = 50
/** 50 lines of each source a second make 5,000 a second of all. */
const PACE = {
  burst: 10,
  pauseMs: 200,
  // Their logs rotate every minute, and nothing is thrown away: Docker has all that they printed.
  isKilled: true,
  flags: ['--log-opt', 'max-size=1m', '--log-opt', 'max-file=1000'],
}
/** dockerd is killed and started again: its containers go on. */
export const SOAK_ENGINE = ['--live-restore']
/** Memory in MB at most, and how much of it may come in the last third of the time. */
const MOST_MB = { agent: 150, server: 500 }
const GROWTH = 1.25
const EVERY_MS = 20_000

/** What may happen every 20 s. */
const HAPPENINGS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'agent killed': async (scene) => {
    await scene.agent.end('SIGKILL')
    await scene.startAgent()
  },
  'server killed': async (scene) => {
    await scene.server.end('SIGKILL')
    await scene.startServer()
  },
  'server restarted': async (scene) => {
    await scene.server.end('SIGTERM')
    await scene.startServer()
  },
  'dockerd killed': async (scene) => {
    await scene.stage.engine.kill()
    await scene.pause(100, 3000)
    await scene.stage.engine.start()
    scene.over()
  },
  'container removed and made anew': async (scene) => {
    const { printers, stage, random } = scene
    const name = random.pick(printers.running)
    const { stdout, stderr } = await printers.retire(name)
    const count = stdout.lines.length + stderr.lines.length
    await eventually(`all lines of ${name}`, 60_000, async () => (await scene.count(name)) === count)
    await stage.engine.docker(['rm', name])
    await scene.print(1, PACE)
  },
  'agent stopped': (scene) => stopped(scene, 'agent'),
  'server stopped': (scene) => stopped(scene, 'server'),
  'connection cut': async ({ network }) => {
    network.down = (_bytes, link) => {
      link.cut()
      return []
    }
    await delay(2000)
    network.clear()
  },
  partition: async ({ network, random }) => {
    network.up = async function* (bytes) {
      await delay(random.between(1000, 8000))
      yield bytes
    }
    await delay(4000)
    network.clear()
  },
}

/** Many containers for a long time, and something random happening all the while. */
export function soak(minutes: number): Fault {
  return {
    name: 'soak',
    title: `${minutes} minutes, ${CONTAINERS} containers, 5,000 lines/s, a random fault every 20 s`,
    isShort: false,
    async run(scene) {
      await scene.begin(CONTAINERS, PACE)
      const until = performance.now() + minutes * 60_000
      while (performance.now() < until) {
        const next = performance.now() + EVERY_MS
        const [name, happen] = scene.random.pick(Object.entries(HAPPENINGS))
        tell(scene, name)
        await happen(scene)
        await delay(Math.max(0, next - performance.now()))
      }
      tell(scene, 'all over')
    },
    check: ({ memory }) =>
      (['agent', 'server'] as const).map((which) => flat(which, memory[which])).find(Boolean) ?? '',
  }
}

async function stopped(scene: Scene, which: 'agent' | 'server'): Promise<void> {
  const { child } = scene[which]
  child.kill('SIGSTOP')
  await scene.pause(1000, 8000)
  child.kill('SIGCONT')
  scene.over()
}

function flat(which: 'agent' | 'server', { mb, growth }: Memory): string {
  if (mb > MOST_MB[which]) return `the ${which} had ${mb} MB`
  return growth > GROWTH
    ? `the memory of the ${which} grew ${growth.toFixed(2)} times in the last third of the time`
    : ''
}

/** Memory before each happening: whether it stays flat is seen at a glance. */
function tell({ agent, server }: Scene, what: string): void {
  const [agentMb, serverMb] = [agent, server].map(({ child }) => memoryMb(child.pid ?? 0, 'VmRSS'))
  process.stderr.write(`${new Date().toISOString()} agent ${agentMb} MB, server ${serverMb} MB; ${what}\n`)
}
