import { once } from 'node:events'
import { createServer } from 'node:net'
import { startEngine } from '../../lab/engine.ts'
import { killPrograms } from '../../lab/program.ts'
import { Random } from './random.ts'
import type { Stage } from './scene.ts'

/** Starts an engine for faults to be done on, runs the body and removes all that was made. */
export async function withStage<T>(seed: number, isLong: boolean, body: (stage: Stage) => Promise<T>): Promise<T> {
  const engine = await startEngine({ name: 'faults' })
  try {
    const ports = { http: await freePort(), forward: await freePort() }
    return await body({ engine, random: new Random(seed), isLong, ports })
  } finally {
    killPrograms()
    await engine.stop()
  }
}

/** Below the range that the kernel takes ports of outgoing connections from: it stays free while a server is down. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 14_000)
    const server = createServer()
    const isFree = once(server, 'listening').then(() => true)
    server.listen(port, '127.0.0.1')
    if (!(await isFree.catch(() => false))) continue
    await once(server.close(), 'close')
    return port
  }
}
