import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngine } from '../../lab/engine.ts'
import { lastingPort } from '../../lab/ports.ts'
import { killPrograms } from '../../lab/program.ts'
import type { Stage } from './scene.ts'

/** A stage, and its end. */
export interface OpenStage extends Stage {
  /** Ends everything and removes what was made. */
  close(): Promise<void>
}

/** Starts an engine for faults to be done on; its containers live on without it when `args` say so. */
export async function openStage(seed: number, isLong: boolean, args: readonly string[] = []): Promise<OpenStage> {
  const ports = { http: await lastingPort(), forward: await lastingPort() }
  const engine = await startEngine({ name: 'faults', args })
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-faults-'))
  const close = async () => {
    killPrograms()
    await engine.stop()
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
  return { engine, dir, seed, isLong, ports, close }
}
