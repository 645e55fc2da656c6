import { setTimeout as delay } from 'node:timers/promises'
import { eventually, type Program, startProgram } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'
import { memoryMb } from '../rig/memory.ts'
import type { PrinterOptions } from '../rig/printers.ts'
import type { Scene } from '../rig/scene.ts'

const GROWTH_MB = 150

/** What happens to who reads: their screen is held against what was printed, as the store is. */
export const client: readonly Fault[] = [
  {
    name: 'C1',
    title: 'tail -f over kill -9 of the server, again and again',
    isShort: true,
    async run(scene) {
      await scene.startServer()
      await scene.startAgent()
      const screen = await show(scene)
      for (let kill = 0; kill < scene.times(5, 50); kill++) {
        await scene.pause(300, 1500)
        await scene.server.end('SIGKILL')
        await scene.startServer()
      }
      await compare(scene, screen)
    },
  },
  {
    name: 'C2',
    title: 'tail -f that is stopped for 15 s or 2 minutes: the server forgets nothing and keeps nothing',
    isShort: false,
    async run(scene) {
      await scene.startServer()
      await scene.startAgent()
      const screen = await show(scene, { burst: 50 })
      await scene.arrival(1000)
      const before = memoryMb(scene.server.child.pid ?? 0, 'VmRSS')
      screen.child.kill('SIGSTOP')
      await delay(scene.times(15_000, 120_000))
      const grown = memoryMb(scene.server.child.pid ?? 0, 'VmRSS') - before
      screen.child.kill('SIGCONT')
      await compare(scene, screen)
      if (grown > GROWTH_MB) throw new Error(`the server grew by ${grown} MB while the client was stopped`)
    },
  },
]

/** Starts `tail -f`, and the printers: its first line says that it is there. */
async function show(scene: Scene, options: PrinterOptions = {}): Promise<Program> {
  const env = { SWARMLOGS_URL: scene.url }
  const [screen] = await Promise.all([
    startProgram(['tail', '-f', '--since', '1d', '-o', 'json'], env),
    scene.print(3, options),
  ])
  return screen
}

/** Ends the printers, and waits until the screen shows all that they printed, once. */
async function compare(scene: Scene, screen: Program): Promise<void> {
  await scene.printers.stop()
  const printed = await Promise.all(scene.printers.names.map((name) => scene.printers.printed(name)))
  const wanted = printed.flatMap(({ stdout, stderr }) => [...stdout.lines, ...stderr.lines])
  const count = counter(screen)
  const tell = async () => `${count()} of ${wanted.length}; ${screen.stderr().slice(-500)}`
  await eventually('the screen', 60_000, async () => count() >= wanted.length, tell)
  await screen.end('SIGKILL')
  const lines = screen.stdout().trimEnd().split('\n')
  const shown = new Set(lines.map((line): string => JSON.parse(line).message))
  const missing = wanted.filter((line) => !shown.has(line)).length
  const doubled = lines.length - shown.size
  if (missing + doubled > 0) throw new Error(`the screen lacks ${missing} lines and shows ${doubled} twice`)
}

/** Counts lines of the screen, each of them once. */
function counter(screen: Program): () => number {
  let [count, from] = [0, 0]
  return () => {
    const text = screen.stdout()
    for (let end = text.indexOf('\n', from); end >= 0; end = text.indexOf('\n', from)) {
      count++
      from = end + 1
    }
    return count
  }
}
