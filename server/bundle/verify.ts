import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { passingFolder } from '../../shared/passing.ts'
import { unpack } from './cache.ts'
import type { Manifest } from './manifest.ts'
import { Bundle } from './read.ts'

/** What is wrong with a part of a bundle. */
export interface Finding {
  readonly name: string
  readonly why: string
  /** Lines that are lost with it. */
  readonly lines: number
}

/** What a look at all of a bundle says. */
export interface Verified {
  readonly manifest: Manifest
  readonly fingerprint: string
  readonly findings: readonly Finding[]
}

/** Reads all of a bundle and tells what is wrong with it. Throws SWARMLOGS_USAGE, _STORE_DAMAGED or _STORE_NEWER when it is none at all. */
export async function verifyBundle(path: string): Promise<Verified> {
  const bundle = await Bundle.open(path)
  const temp = await passingFolder(join(tmpdir(), 'swarmlogs-verify-'))
  try {
    const { manifest, fingerprint } = bundle
    const findings: Finding[] = bundle.strangers.map((name) => ({
      name,
      why: 'the manifest does not tell of it',
      lines: 0,
    }))
    for (const member of manifest.members) {
      const why = await bundle.check(member)
      if (why !== '') findings.push({ name: member.name, why, lines: member.lines ?? 0 })
    }
    const told = manifest.members.reduce((sum, { lines = 0 }) => sum + lines, 0)
    if (told !== manifest.lines)
      findings.push({
        name: 'manifest.json',
        why: `it tells of ${manifest.lines} lines, its files of ${told}`,
        lines: 0,
      })
    // What has the right sum can still be none of ours: only what can be read is sound.
    const wrong = await unpack(bundle, temp.path).then(
      () => '',
      (error: unknown) => textOf(error),
    )
    if (wrong !== '') findings.push({ name: 'lines', why: wrong, lines: 0 })
    for (const read of [() => bundle.gaps(), () => bundle.knowledge()]) {
      await read().catch((error: unknown) => {
        if (findings.length === 0) findings.push({ name: 'bundle', why: textOf(error), lines: 0 })
      })
    }
    return { manifest, fingerprint, findings }
  } finally {
    await bundle.close()
    await temp.remove()
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
