import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { preload } from './preload.ts'

const PAGE = 4096

/** A folder whose files lose in a power cut what was not synced, for programs that are started with its environment. */
export interface PowerCut {
  readonly env: Readonly<Record<string, string>>
  /**
   * Cuts the power, after its programs were killed: of each page of a file that was written since its last sync, either what
   * was synced or what was written is there; a file that was never synced is gone.
   */
  cut(): void
}

/** Makes such a folder of one; `random` answers at least 0 and less than 1. */
export async function makePowerCut(folder: string, dir: string, random: () => number): Promise<PowerCut> {
  const kept = join(folder, 'kept')
  mkdirSync(kept, { recursive: true })
  const env = { LD_PRELOAD: await preload(folder, 'power-cut'), POWER_CUT_DIR: dir, POWER_CUT_KEPT: kept }
  return { env, cut: () => cutFolder(dir, kept, random) }
}

function cutFolder(dir: string, kept: string, random: () => number): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) cutFolder(path, kept, random)
    if (!entry.isFile()) continue
    const { ino, birthtimeNs } = statSync(path, { bigint: true })
    const copy = join(kept, `${ino}-${birthtimeNs}`)
    if (!existsSync(copy)) rmSync(path)
    else {
      const left = mixed(readFileSync(copy), readFileSync(path), random)
      // In place: a copy is known by the file that it is of.
      for (const file of [path, copy]) writeFileSync(file, left)
    }
  }
}

function mixed(synced: Buffer, written: Buffer, random: () => number): Buffer {
  const length = random() < 0.5 ? synced.length : written.length
  const result = Buffer.alloc(length)
  for (let at = 0; at < length; at += PAGE) {
    const source = random() < 0.5 ? synced : written
    if (at < source.length) source.copy(result, at, at, at + PAGE)
  }
  return result
}
