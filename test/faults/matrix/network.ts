import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../lab/program.ts'
import { run } from '../../lab/run.ts'
import type { Fault } from '../rig/drive.ts'
import type { Weather } from '../rig/network.ts'
import type { Scene } from '../rig/scene.ts'
import { byteByByte, late, slow, swapped, twice, unknown } from '../rig/weather.ts'

/** What a network does to bytes. */
export const network: readonly Fault[] = [
  {
    name: 'N4',
    title: 'connection reset between frame and ack, at byte after byte',
    isShort: true,
    async run(scene) {
      await scene.begin()
      // An ack has some 40 bytes: places all over it (in the long form each), and in frames.
      for (let cut = 0; cut < scene.times(9, 90); cut++) await cutAfter(scene, 'down', (cut * 5) % 45)
      for (let cut = 0; cut < scene.times(6, 90); cut++) await cutAfter(scene, 'up', scene.random.between(0, 4000))
    },
  },
  {
    name: 'N5',
    title: 'acks split, late, coalesced, twice, unknown, out of order',
    isShort: true,
    async run(scene) {
      await scene.begin()
      for (let round = 0; round < scene.times(1, 5); round++)
        for (const weather of [byteByByte, late, twice, unknown, swapped]) {
          scene.network.down = weather(scene)
          await scene.pause(1500, 2500)
          scene.network.clear()
          await scene.arrival(100)
        }
    },
  },
  {
    name: 'N6',
    title: 'bits flipped on the way, without TLS',
    isShort: true,
    async run(scene) {
      await scene.begin()
      for (let flip = 0; flip < scene.times(10, 300); flip++) await flipOne(scene, flip % 5 === 4 ? 'down' : 'up')
    },
  },
  {
    name: 'N2',
    title: 'partition of 10 s or an hour, then healed',
    isShort: true,
    async run(scene) {
      // In an hour that comes to a million lines; more would only keep this machine busy.
      await scene.begin(3, { pauseMs: scene.times(40, 200) })
      const healed = partition(scene)
      await delay(scene.times(10_000, 3_600_000))
      healed()
      scene.network.clear()
    },
  },
  {
    name: 'N3',
    title: 'half-open: the server is gone without a word, for its open connections only',
    isShort: false,
    async run(scene) {
      await scene.begin()
      const { links } = scene.network
      const swallow: Weather = (bytes, link) => (link.number < links ? [] : [bytes])
      scene.network.up = swallow
      scene.network.down = swallow
      await eventually('the agent to notice', 45_000, async () => scene.network.links > links)
      await scene.arrival(100)
    },
  },
  {
    name: 'N1',
    title: '30 % of the packets lost, 300 ms there and back, give or take 200',
    isShort: false,
    async run(scene) {
      await scene.begin(3, { burst: 2, pauseMs: 200 })
      const loss = await losing(scene.stage.ports.forward, 0.3)
      try {
        const far: Weather = async function* (bytes) {
          await scene.pause(50, 250)
          yield bytes
        }
        scene.network.up = far
        scene.network.down = far
        for (let round = 0; round < scene.times(3, 10); round++) await scene.arrival(50)
      } finally {
        await loss.end()
        scene.network.clear()
      }
    },
  },
  {
    name: 'N7',
    title: 'link of 4 KB/s, in pieces of 100 bytes',
    isShort: false,
    async run(scene) {
      await scene.begin(3, { burst: 2, pauseMs: 200 })
      scene.network.up = slow(4096)
      for (let round = 0; round < scene.times(3, 10); round++) await scene.arrival(50)
    },
  },
]

/** Has this machine lose packets to a port of its own, and from it. */
async function losing(port: number, share: number): Promise<{ end(): Promise<void> }> {
  const rules = ['--dport', '--sport'].map((side) => [
    ...['INPUT', '-i', 'lo', '-p', 'tcp', side, String(port)],
    ...['-m', 'statistic', '--mode', 'random', '--probability', String(share), '-j', 'DROP'],
  ])
  for (const rule of rules) await run('iptables', ['-w', '-I', ...rule])
  return {
    end: async () => {
      for (const rule of rules) await run('iptables', ['-w', '-D', ...rule])
    },
  }
}

/** Cuts the connection after so many further bytes in the direction, then waits until lines get through again. */
async function cutAfter({ network }: Scene, direction: 'up' | 'down', bytes: number): Promise<void> {
  let left = bytes
  const { links } = network
  network[direction] = function* (piece, link) {
    if (left < 0) return yield piece
    if (piece.length <= left) {
      left -= piece.length
      return yield piece
    }
    yield piece.subarray(0, left)
    left = -1
    // What was written goes on its way first.
    setImmediate(() => link.cut())
  }
  await eventually('the next connection', 30_000, async () => network.links > links)
  network.clear()
  const acks = ackCount(network)
  await eventually('acks', 30_000, async () => acks() > 1)
}

/** Counts what comes down from now on. */
function ackCount(network: Scene['network']): () => number {
  let count = 0
  network.down = (bytes) => {
    count++
    return [bytes]
  }
  return () => count
}

/** Flips one bit of what comes next, then lets the connection be or end. */
async function flipOne(scene: Scene, direction: 'up' | 'down'): Promise<void> {
  let skip = scene.random.between(0, direction === 'up' ? 8000 : 100)
  const [where, bit] = [scene.random.next(), 1 << scene.random.between(0, 7)]
  let isDone = false
  scene.network[direction] = (bytes) => {
    skip -= bytes.length
    if (isDone || skip > 0) return [bytes]
    isDone = true
    const flipped = Buffer.from(bytes)
    const place = Math.floor(where * bytes.length)
    flipped[place] = (flipped[place] ?? 0) ^ bit
    return [flipped]
  }
  await eventually('a bit to be flipped', 60_000, async () => isDone)
  scene.network.clear()
  await scene.arrival(1)
}

/** Holds back all bytes, both ways, until the answer is called: as TCP does in a partition, nothing is lost. */
function partition({ network }: Scene): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  const hold: Weather = async function* (bytes) {
    await promise
    yield bytes
  }
  network.up = hold
  network.down = hold
  return resolve
}
