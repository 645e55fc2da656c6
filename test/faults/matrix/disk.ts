import { closeSync, openSync, readdirSync, readSync, statSync, truncateSync, writeSync } from 'node:fs'
import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makePowerCut } from '../../lab/power-cut.ts'
import { eventually } from '../../lab/program.ts'
import type { Fault } from '../rig/drive.ts'
import type { Random } from '../rig/random.ts'
import type { Scene } from '../rig/scene.ts'

/** What happens to what is on a disk; disks that are full or fail are in test/faults/disk.test.ts. */
export const disk: readonly Fault[] = [
  {
    name: 'A2',
    title: 'power cut of the agent: unsynced writes are lost, page by page',
    isShort: true,
    async run(scene) {
      const power = await makePowerCut(join(scene.dir, 'power'), scene.stateDir, () => scene.random.next())
      await scene.startServer()
      await scene.startAgent({ env: power.env })
      await scene.print(3)
      await scene.arrival(100)
      for (let cut = 0; cut < scene.times(3, 50); cut++) {
        await scene.pause(100, 2000)
        await scene.agent.end('SIGKILL')
        power.cut()
        await scene.startAgent({ env: power.env })
        await scene.arrival(100)
      }
    },
  },
  {
    name: 'B2',
    title: 'power cut of the server: unsynced writes are lost, page by page',
    isShort: true,
    async run(scene) {
      const power = await makePowerCut(join(scene.dir, 'power'), scene.dataDir, () => scene.random.next())
      const options = { env: power.env, flags: ['--segment-size', '4MiB'] }
      await scene.startServer(options)
      await scene.startAgent()
      await scene.print(3)
      await scene.arrival(100)
      for (let cut = 0; cut < scene.times(3, 50); cut++) {
        await scene.pause(100, 2000)
        await scene.server.end('SIGKILL')
        power.cut()
        await scene.startServer(options)
        await scene.arrival(100)
      }
    },
  },
  {
    name: 'B1',
    title: 'kill -9 of the server while small segments are sealed and opened, 10 or 500 times',
    isShort: false,
    async run(scene) {
      const flags = ['--segment-size', '4MiB']
      await scene.startServer({ flags })
      await scene.startAgent()
      await scene.print(3, { burst: 50 })
      await scene.arrival(100)
      for (let kill = 0; kill < scene.times(10, 500); kill++) {
        await scene.pause(20, 1000)
        await scene.server.end('SIGKILL')
        await scene.startServer({ flags })
        await scene.arrival(100)
      }
    },
  },
  {
    name: 'B6',
    title: 'the store is copied while the server is stopped, and the copy served',
    isShort: false,
    async run(scene) {
      await scene.begin()
      await scene.arrival(1000)
      await scene.server.end('SIGTERM')
      const original = join(scene.dir, 'original')
      await rename(scene.dataDir, original)
      await cp(original, scene.dataDir, { recursive: true })
      await scene.startServer()
      await scene.arrival(500)
    },
  },
  {
    name: 'B7',
    title: 'an older copy of the store is put in its place',
    isShort: true,
    async run(scene) {
      await scene.begin()
      const copy = join(scene.dir, 'copy')
      for (let round = 0; round < scene.times(1, 10); round++) {
        await scene.server.end('SIGTERM')
        await cp(scene.dataDir, copy, { recursive: true })
        await scene.startServer()
        await scene.arrival(1000)
        const before = await scene.count()
        await scene.server.end('SIGKILL')
        await rm(scene.dataDir, { recursive: true })
        await rename(copy, scene.dataDir)
        await scene.startServer()
        scene.isStoreOlder = true
        await eventually('what was lost', 60_000, async () => (await scene.count()) > before)
      }
    },
  },
  {
    name: 'A3',
    title: "the agent's spool is cut off or a bit of it flips, while the server is away",
    isShort: true,
    async run(scene) {
      await scene.begin()
      for (let round = 0; round < scene.times(2, 40); round++) {
        await scene.server.end('SIGKILL')
        await scene.pause(500, 1500)
        await scene.agent.end('SIGKILL')
        damage(scene, round % 2 === 0 ? flip : cutOff)
        await scene.startAgent()
        await scene.startServer()
        await scene.arrival(300)
      }
    },
  },
]

/** Does harm to one of the spool's files. */
function damage({ stateDir, random }: Scene, harm: (path: string, random: Random) => void): void {
  const files = readdirSync(stateDir).filter((name) => /^spool\.db(-wal)?$/.test(name))
  const path = join(stateDir, random.pick(files.sort()))
  if (statSync(path).size > 0) harm(path, random)
}

function flip(path: string, random: Random): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  const at = random.between(0, statSync(path).size - 1)
  readSync(file, byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ (1 << random.between(0, 7))
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
}

function cutOff(path: string, random: Random): void {
  truncateSync(path, random.between(0, statSync(path).size - 1))
}
