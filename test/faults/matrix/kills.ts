import type { Fault } from '../rig/drive.ts'

/** kill -9, again and again, at random moments of writing; the short form is test/faults/kills.test.ts. */
export const kills: readonly Fault[] = [
  {
    name: 'A1',
    title: 'kill -9 of the agent, 30 or 200 times',
    isShort: false,
    async run(scene) {
      await scene.begin()
      for (let kill = 0; kill < scene.times(30, 200); kill++) {
        await scene.pause(20, 300)
        await scene.agent.end('SIGKILL')
        await scene.startAgent()
      }
    },
  },
  {
    name: 'S1',
    title: 'kill -9 of the server, 30 or 200 times',
    isShort: false,
    async run(scene) {
      await scene.begin()
      for (let kill = 0; kill < scene.times(30, 200); kill++) {
        await scene.pause(20, 300)
        await scene.server.end('SIGKILL')
        await scene.startServer()
      }
    },
  },
]
