import { eventually } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'

/** What happens to the engine and its containers. */
export const docker: readonly Fault[] = [
  {
    name: 'L18',
    title: 'containers that print 200 lines and are removed at once',
    isShort: true,
    // One that is gone before its log could be asked for is lost, and told.
    mayLose: true,
    async run(scene) {
      // The agent must be watching before the first of them is gone.
      await scene.begin(1)
      const options = { lines: 100, pauseMs: 0, flags: ['--rm'] }
      for (let i = 0; i < scene.times(10, 100); i++) await scene.print(1, options)
      scene.over()
      const left = async () => (await scene.stage.engine.docker(['ps', '-aq'])).trim().split('\n')
      await eventually('their removal', 60_000, async () => (await left()).length === 1)
    },
  },
  {
    name: 'L20',
    title: 'docker restart, 10 or 100 times',
    isShort: true,
    async run(scene) {
      await scene.begin(2, { isKilled: true })
      for (let restart = 0; restart < scene.times(10, 100); restart++) {
        await scene.pause(50, 500)
        await scene.stage.engine.docker(['restart', '-t', '0', ...scene.printers.names])
        scene.over()
      }
    },
  },
  {
    name: 'L21',
    title: 'kill -9 of dockerd and its start, 1 or 10 times',
    isShort: true,
    async run(scene) {
      const { engine } = scene.stage
      await scene.begin(2, { isKilled: true })
      for (let kill = 0; kill < scene.times(1, 10); kill++) {
        await engine.kill()
        await scene.pause(100, 3000)
        await engine.start()
        scene.over()
        // Without live-restore its containers end with it.
        await engine.docker(['start', ...scene.printers.names])
        await scene.arrival(200)
      }
    },
  },
]
