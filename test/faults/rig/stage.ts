import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine } from '../../lab/engine.ts'
import { killPrograms } from '../../lab/program.ts'
import type { Stage } from './scene.ts'

/** A stage, and its end. */
export interface OpenStage extends Stage {
  /** Ends everything and removes what was made. */
  close(): Promise<void>
}

/** Starts an engine for faults to be done on; its containers live on without it when `args` say so. */
export async function openStage(seed: number, isLong: boolean, args: readonly string[] = []): Promise<OpenStage> {
  const ports = { http: await freePort(), forward: await freePort() }
  const engine = await startEngine({ name: 'faults', args })
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-faults-'))
  const close = async () => {
    killPrograms()
    await engine.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
  return { engine, dir, seed, isLong, ports, close }
}

/** Given to a stage of this process, whose server may be down. */
const given = new Set<number>()

/** Below the range that the kernel takes ports of outgoing connections from: it stays free while a server is down. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 16_000 + Math.floor(Math.random() * 14_000)
    if (given.has(port)) continue
    const server = createServer()
    const isFree = once(server, 'listening').then(() => true)
    server.listen(port, '127.0.0.1')
    if (!(await isFree.catch(() => false))) continue
    await once(server.close(), 'close')
    given.add(port)
    return port
  }
}
