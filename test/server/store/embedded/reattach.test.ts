import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { Folder } from '../../../../server/store/embedded/folder.ts'
import { closeParts, openParts } from '../../../../server/store/embedded/parts.ts'
import { count } from '../../../../server/store/embedded/tally.ts'
import { ALL, recordOf, WEB } from '../records.ts'

it('counts all lines also while a segment is attached anew', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-reattach-'))
  const log = pino({ level: 'silent' })
  const folder = await Folder.open(dir)
  const parts = await openParts({ dir, retentionMs: 86_400_000, log }, folder, () => undefined)
  const now = BigInt(Date.now()) * 1_000_000n
  await parts.writer.append(Array.from({ length: 100 }, (_, at) => recordOf(WEB, { time: now + BigInt(at) })))
  const [segment] = parts.segments.all
  let isDone = false
  const reattaching = (async () => {
    for (let turn = 0; turn < 20; turn++) {
      await parts.serial.run(async () => segment && (await parts.segments.reattach(segment)))
      await delay(20)
    }
    isDone = true
  })()
  while (!isDone) expect(await count(parts, { filter: ALL })).toBe(100)
  await reattaching
  await closeParts(parts, log)
  await rm(dir, { recursive: true })
})
