import { once } from 'node:events'
import { createServer } from 'node:net'
import { startEngine } from '../../lab/engine.ts'
import { killPrograms } from '../../lab/program.ts'
import type { Stage } from './scene.ts'

/** A stage, and its end. */
export interface OpenStage extends Stage {
  /** Ends everything and removes what was made. */
  close(): Promise<void>
}

/** Starts an engine for faults to be done on. */
export async function openStage(seed: number, isLong: boolean): Promise<OpenStage> {
  const ports = { http: await freePort(), forward: await freePort() }
  const engine = await startEngine({ name: 'faults' })
  const close = async () => {
    killPrograms()
    await engine.stop()
  }
  return { engine, seed, isLong, ports, close }
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
