import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventTime, inventoryFrame, packEntry, packOption, recordsFrame } from '../../../../shared/forward/encode.ts'
import { HELLO_TAG, type OwnGap, REPORT_TAG, WIRE_FORMAT } from '../../../../shared/forward/own.ts'
import type { Gap } from '../../../../shared/gap.ts'
import { inventoryOf } from '../../inventory.ts'
import { containersOf, reportOf } from '../../report.ts'
import { API, WEB } from '../../store/records.ts'
import { at, eventually, frame, RawClient, startListener, type TestListener } from './harness.ts'

// Without a sum, so that frames can be made by hand.
const OWN = { format: WIRE_FORMAT, version: '1.0.0', nodeId: 'node1', nodeName: 'worker-1' }
const HELLO = frame([HELLO_TAG, [], { chunk: 'h', swarmlogs: OWN }])
const GAP: OwnGap = { s: 1, f: '1700000000000000001', t: '1700000000000000002', r: 'rotated', n: 3, x: 5 }

let listener: TestListener
let client: RawClient
beforeEach(async () => {
  listener = await startListener()
  client = await RawClient.open(listener.port)
  client.send(HELLO)
  await client.receive(1)
})
afterEach(async () => {
  await listener.close(100)
})

function records(id: string, gaps: readonly unknown[], lines = 0): Buffer {
  const entries = Array.from({ length: lines }, () => packEntry(eventTime(1_700_000_000, 5), { m: 'a', s: 0 }))
  const body = zstdCompressSync(Buffer.concat(entries))
  const option = packOption({ format: WIRE_FORMAT, streams: [WEB, API], gaps: gaps as OwnGap[] })
  return Buffer.concat(recordsFrame({ id, records: lines, body }, option))
}

const reportFrame = (report: object, id: string): Buffer =>
  frame([REPORT_TAG, [[at(1_700_000_000), report]], { chunk: id }])

describe('gaps', () => {
  it.each([0, 2])('are stored with the %i lines of their chunk before it is acked', async (lines) => {
    client.send(records('r', [GAP, { s: 0, f: '-5', t: '7', r: 'store', n: 0 }], lines))
    expect((await client.receive(2))[1]).toEqual({ ack: 'r' })
    expect(listener.ingest.stored).toHaveLength(lines)
    expect(listener.ingest.gaps).toEqual([
      {
        stream: API,
        from: 1_700_000_000_000_000_001n,
        to: 1_700_000_000_000_000_002n,
        reason: 'rotated',
        atLeast: 3,
        atMost: 5,
      },
      { stream: WEB, from: -5n, to: 7n, reason: 'store', atLeast: 0 },
    ])
  })

  it('that cannot be stored are not acked', async () => {
    listener.ingest.isFailing = true
    client.send(records('r', [GAP]))
    await client.closed
    expect(client.values).toHaveLength(1)
  })

  it.each<[string, unknown]>([
    ['is no map', 7],
    ['is of no stream', { ...GAP, s: 2 }],
    ['lacks its stream', { ...GAP, s: undefined }],
    ['has a reason that is none', { ...GAP, r: 'eaten' }],
    ['has a time that is none', { ...GAP, f: '1.5' }],
    ['has a time beyond all', { ...GAP, t: '9999999999999999999' }],
    ['ends before it begins', { ...GAP, t: '1700000000000000000' }],
    ['has lost less than nothing', { ...GAP, n: -1 }],
    ['has lost at most less than at least', { ...GAP, x: 2 }],
  ])('one that %s is left out, and what is with it is stored', async (_, odd) => {
    client.send(records('r', [odd, GAP], 1))
    expect((await client.receive(2))[1]).toEqual({ ack: 'r' })
    expect(listener.ingest.gaps).toHaveLength(1)
    expect(listener.ingest.stored).toHaveLength(1)
    expect(listener.metrics.reasons).toEqual({ entry: 1 })
  })

  it('beyond what a frame may have are left out', async () => {
    client.send(
      records(
        'r',
        Array.from({ length: 10_001 }, () => GAP),
      ),
    )
    expect((await client.receive(2))[1]).toEqual({ ack: 'r' })
    expect(listener.ingest.gaps).toHaveLength(10_000)
    expect(listener.metrics.reasons).toEqual({ 'entry-count': 1 })
  })
})

describe('a report', () => {
  const report = reportOf({
    behind: containersOf([{ containerId: 'c', service: 's', detail: '5' }], 200),
    spool: { ...reportOf().spool, bytes: 2 ** 40 },
  })

  it('is handed on and acked', async () => {
    client.send(reportFrame(report, 'p'))
    expect((await client.receive(2))[1]).toEqual({ ack: 'p' })
    expect(listener.ingest.reports).toEqual([report])
  })

  it('is handed on only when what it shows to be lost is stored', async () => {
    const lost: Gap = { stream: WEB, from: 1n, to: 2n, reason: 'state', atLeast: 0 }
    listener.ingest.shownLost = [lost]
    listener.ingest.isFailing = true
    client.send(reportFrame({ ...report, stateSince: '2' }, 'p'))
    await client.closed
    expect(listener.ingest.reports).toEqual([])
    listener.ingest.isFailing = false
    client = await RawClient.open(listener.port)
    client.send(HELLO, reportFrame({ ...report, stateSince: '2' }, 'p'))
    await client.receive(2)
    expect(listener.ingest.gaps).toEqual([lost])
    expect(listener.ingest.reports).toEqual([{ ...report, stateSince: '2' }])
  })

  it('is handed on only when all before it is stored', async () => {
    listener.ingest.hold()
    client.send(records('r', [], 1), reportFrame(report, 'p'))
    await eventually(() => listener.metrics.frames).toBe(3)
    expect(listener.ingest.reports).toEqual([])
    listener.ingest.release()
    expect((await client.receive(3)).slice(1)).toEqual([{ ack: 'r' }, { ack: 'p' }])
    expect(listener.ingest.reports).toHaveLength(1)
  })

  it('is not handed on when something before it could not be stored', async () => {
    listener.ingest.isFailing = true
    client.send(records('r', [], 1), reportFrame(report, 'p'))
    await client.closed
    expect(listener.ingest.reports).toEqual([])
  })

  it.each<[string, object]>([
    ['lacks something', { ...report, leaving: undefined }],
    ['has a time that is none', { ...report, upTo: 'now' }],
    ['follows less than nothing', { ...report, following: -1 }],
    ['has a spool that is none', { ...report, spool: 7 }],
    ['has a policy that is none', { ...report, spool: { ...report.spool, policy: 'hope' } }],
    [
      'names too many',
      {
        ...report,
        lossy: containersOf(Array.from({ length: 101 }, () => ({ containerId: 'c', service: 's', detail: '' }))),
      },
    ],
  ])('that %s is left out, and acked', async (_, odd) => {
    client.send(reportFrame(odd, 'p'))
    expect((await client.receive(2))[1]).toEqual({ ack: 'p' })
    expect(listener.ingest.reports).toEqual([])
    expect(listener.metrics.reasons).toEqual({ entry: 1 })
  })

  it('of who never said hello is a foreign record', async () => {
    const stranger = await RawClient.open(listener.port)
    stranger.send(reportFrame(report, 'p'), inventoryFrame(inventoryOf(), 'i'))
    await stranger.receive(2)
    expect(listener.ingest.reports).toEqual([])
    expect(listener.ingest.stored).toHaveLength(2)
  })
})
