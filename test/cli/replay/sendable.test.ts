import { expect, it } from 'vitest'
import { retimer, sendable } from '../../../cli/replay/sendable.ts'
import { isForeign } from '../../../server/bundle/replayed.ts'
import { FOREIGN_ORDINALS } from '../../../server/store/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { gapOf, NOON, recordOf, SECOND, streamOf, WEB } from '../../server/store/records.ts'

const SYSLOG = streamOf('', { service: '', containerId: '', tag: 'syslog' })

async function* due(records: readonly LogRecord[]) {
  const gap = gapOf(WEB, { from: NOON, to: NOON + SECOND })
  yield [
    ...records.map((record, index) => ({ item: { ns: record.time, record }, offsetMs: index * 0.5 })),
    { item: { ns: gap.from, gap }, offsetMs: 0 },
  ]
}

async function sent(records: readonly LogRecord[], retime?: Parameters<typeof sendable>[2]) {
  for await (const found of sendable(due(records), isForeign, retime)) return found
  throw new Error('nothing was sent')
}

it('leaves the time and the ordinal of what an agent sent, as stores know it by these', async () => {
  const lines = [3, 4].map((ordinal) => recordOf(WEB, { time: NOON, ordinal }))
  expect(await sent(lines)).toEqual({ records: lines, gaps: [gapOf(WEB, { from: NOON, to: NOON + SECOND })] })
})

it('makes lines of other senders into such of one container, each with an ordinal of its own', async () => {
  const lines = [NOON, NOON, NOON + 1n].map((time) => recordOf(SYSLOG, { time, ordinal: FOREIGN_ORDINALS }))
  const { records } = await sent([
    ...lines,
    recordOf(SYSLOG, { time: NOON + 1n, ordinal: FOREIGN_ORDINALS, source: 'stderr' }),
  ])
  expect(records.map(({ ordinal }) => ordinal)).toEqual([0, 1, 0, 0])
  const ids = new Set(records.map(({ stream }) => stream.containerId))
  expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  expect(records[0]?.stream).toEqual({ ...SYSLOG, containerId: [...ids][0] })
})

it('gives lines the time of their turn', async () => {
  const before = BigInt(Date.now()) * 1_000_000n
  const lines = [0, 1].map((ordinal) => recordOf(WEB, { time: NOON, ordinal: ordinal + 7 }))
  const { records, gaps } = await sent(lines, retimer({ speed: 1, maxPauseMs: 0 }, 0n))
  const [first = 0n, second = 0n] = records.map(({ time }) => time)
  expect(first).toBeGreaterThanOrEqual(before)
  expect(second - first).toBe(500_000n)
  expect(gaps.map(({ from, to }) => [from - first, to - from])).toEqual([[0n, SECOND]])
})

it('has the bundle end now where there are no pauses', async () => {
  const lines = [0n, 1n, 1n].map((later) => recordOf(WEB, { time: NOON + later, ordinal: 9 }))
  const { records } = await sent(lines, retimer({ speed: Number.POSITIVE_INFINITY, maxPauseMs: 0 }, NOON + 1n))
  const [first = 0n, second = 0n, third = 0n] = records.map(({ time }) => time)
  expect([second - first, third - second]).toEqual([1n, 0n])
  expect(third).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n)
  expect(records.map(({ ordinal }) => ordinal)).toEqual([0, 0, 1])
})
