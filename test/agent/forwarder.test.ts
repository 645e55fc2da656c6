import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { Unpackr } from 'msgpackr'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Forwarder, type ForwarderOptions } from '../../agent/forwarder.ts'
import { Spool } from '../../agent/spool.ts'
import type { Inventory } from '../../shared/inventory.ts'
import { chunkOf, recordingLog, silent, temporaryDir } from './chunks.ts'
import { ack, type Frame, startReceiver } from './forwarder/receiver.ts'

const { signal } = new AbortController()
const ids = ['a', 'b', 'c', 'd', 'e']

describe('Forwarder', () => {
  it('ships the spool in order and removes what is acked', async () => {
    const receiver = await startReceiver()
    const spool = await spoolWith(ids)
    forward(spool, receiver.port)
    await emptied(spool)
    expect(receiver.ids).toEqual(ids)
  })

  it('sends a chunk at once when it is appended', async () => {
    const receiver = await startReceiver()
    const spool = await spoolWith([])
    const forwarder = forward(spool, receiver.port)
    while (!forwarder.isHungry) await delay(5)
    await spool.append(chunkOf('new'), signal)
    await emptied(spool)
    expect(receiver.ids).toEqual(['new'])
    expect(forwarder.status).toMatchObject({ connected: true, inFlight: 0, ackedChunks: 1 })
  })

  it('keeps eight chunks in flight and no more', async () => {
    const receiver = await startReceiver({ onFrame: () => {} })
    const spool = await spoolWith(Array.from({ length: 12 }, (_, index) => `${index}`))
    const forwarder = forward(spool, receiver.port)
    await receiver.until(({ frames }) => frames.length === 8)
    expect([forwarder.status.inFlight, forwarder.isHungry, spool.size]).toEqual([8, false, 12])
  })

  const scripts: [string, (acks: Buffer[]) => Buffer[]][] = [
    ['one byte at a time', (acks) => [...Buffer.concat(acks)].map((byte) => Buffer.from([byte]))],
    ['all in one', (acks) => [Buffer.concat(acks)]],
    ['out of order', (acks) => acks.toReversed()],
  ]

  it.each(scripts)('takes acks that come %s', async (_, script) => {
    const receiver = await startReceiver({
      onFrame: async (socket, _frame, { frames }) => {
        if (frames.length < ids.length) return
        for (const piece of script(frames.map(([, , option]) => ack(option.chunk)))) {
          socket.write(piece)
          await new Promise(setImmediate)
        }
      },
    })
    const spool = await spoolWith(ids)
    forward(spool, receiver.port)
    await emptied(spool)
    expect([receiver.ids, receiver.connections]).toEqual([ids, 1])
  })

  it('ends the connection when a chunk is acked twice, and loses nothing', async () => {
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections }) => {
        if (connections > 1 || chunk === 'a') socket.write(ack(chunk))
        if (connections === 1 && chunk === 'b') socket.write(ack('a'))
      },
    })
    const spool = await spoolWith(ids)
    forward(spool, receiver.port)
    await emptied(spool)
    expect([receiver.connections, new Set(receiver.ids).size]).toEqual([2, 5])
  })

  const rubbish: [string, Buffer][] = [
    ['an ack of an unknown chunk', ack('unknown')],
    ['an ack without a chunk', Buffer.from([0x80])],
    ['bytes that are no msgpack', Buffer.from([0xc1, 0xc1])],
    ['an endless string', Buffer.concat([Buffer.from([0xdb, 0, 0xff, 0xff, 0xff]), Buffer.alloc(100_000)])],
  ]

  it.each(rubbish)('ends the connection at %s, removes nothing, and sends all again', async (_, bytes) => {
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections, frames }) => {
        if (connections === 1 && frames.length === ids.length) socket.write(bytes)
        if (connections > 1) socket.write(ack(chunk))
      },
    })
    const { log, lines } = recordingLog()
    const spool = await spoolWith(ids)
    forward(spool, receiver.port, { log })
    await emptied(spool)
    expect(receiver.ids).toEqual([...ids, ...ids])
    expect(lines.map(({ code }) => code)).toContain('SWARMLOGS_PROTOCOL')
  })

  it('sends again what was not acked when the connection is reset between frame and ack', async () => {
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections }) => {
        if (connections < 3 && chunk === 'c') socket.resetAndDestroy()
        else socket.write(ack(chunk))
      },
    })
    const spool = await spoolWith(ids)
    forward(spool, receiver.port)
    await emptied(spool)
    expect(receiver.connections).toBe(3)
    expect(new Set(receiver.ids)).toEqual(new Set(ids))
    expect(receiver.ids.filter((id) => id === 'c')).toHaveLength(3)
  })

  it('gives up a connection on which no ack comes, and sends again', async () => {
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections }) => void (connections > 1 && socket.write(ack(chunk))),
    })
    const spool = await spoolWith(ids)
    forward(spool, receiver.port, { ackTimeoutMs: 100 })
    await emptied(spool)
    expect(receiver.connections).toBe(2)
  })

  it('ships again after the server was away, starting with the oldest', async () => {
    const spool = await spoolWith(ids)
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections }) => {
        if (connections === 1) socket.end()
        else socket.write(ack(chunk))
      },
    })
    forward(spool, receiver.port)
    await emptied(spool)
    expect(receiver.ids.slice(-5)).toEqual(ids)
  })

  it('says which store acks, and how long it keeps lines, before it sends to it', async () => {
    const receiver = await startReceiver({ store: { id: 'B', epoch: 3, retentionMs: 1000 } })
    const spool = await spoolWith(['a'])
    const stores: unknown[] = []
    forward(spool, receiver.port, { onStore: (store, kept) => stores.push([store, kept, receiver.ids.length]) })
    await emptied(spool)
    expect(stores).toEqual([['B/3', 1000, 0]])
  })

  it('stops at once when it is told to, also while it waits to connect again', async () => {
    const stop = new AbortController()
    const forwarder = newForwarder(await spoolWith([]), 1)
    const running = forwarder.run(stop.signal)
    await delay(50)
    stop.abort()
    await running
  })

  it('ends with the error of a spool that is damaged', async () => {
    const receiver = await startReceiver()
    const spool = await spoolWith(['a'])
    const forwarder = newForwarder(spool, receiver.port)
    spool.next = () => {
      throw Object.assign(new Error('file is not a database'), { errcode: 26 })
    }
    await expect(forwarder.run(signal)).rejects.toThrow('file is not a database')
  })

  it('sends the newest inventory after each connect, and a newer one when it comes', async () => {
    const receiver = await startReceiver({
      onFrame: (socket, [, , { chunk }], { connections, frames }) => {
        if (connections === 1 && frames.length === 2) socket.destroy()
        else socket.write(ack(chunk))
      },
    })
    const spool = await spoolWith([])
    const forwarder = forward(spool, receiver.port)
    forwarder.setInventory(inventoryAt('1'))
    await receiver.until(({ frames }) => frames.length === 1)
    forwarder.setInventory(inventoryAt('2'))
    await receiver.until(({ frames }) => frames.length === 3)
    const times = receiver.frames.map(([, entries]) => (entries as [unknown, Inventory][])[0]?.[1].time)
    expect(times).toEqual(['1', '2', '2'])
  })
})

describe('Forwarder to a foreign receiver', () => {
  it('sends records that stand on their own, gzip, and no inventory', async () => {
    const receiver = await startReceiver({ store: undefined })
    const spool = await spoolWith([])
    await spool.append(chunkOf('a', ['one', 'two'], 1, 'c9'), signal)
    const stores: string[] = []
    const forwarder = forward(spool, receiver.port, { onStore: (store) => stores.push(store) })
    forwarder.setInventory(inventoryAt('1'))
    await emptied(spool)
    const [frame, ...others] = receiver.frames
    expect([others, stores]).toEqual([[], ['foreign']])
    expect(frame?.[2]).toEqual({ chunk: 'a', size: 2, compressed: 'gzip' })
    const records = recordsIn(frame)
    expect(records.map(({ message }) => message)).toEqual(['one', 'two'])
    expect(records[0]).toEqual({
      message: 'one',
      source: 'stdout',
      container_id: 'c9',
      container_name: 'name-of-c9',
      image: 'busybox:1',
      service: 'shop_web',
      stack: 'shop',
      task: 'shop_web.1.task-id',
      node: 'node1',
    })
  })
})

function recordsIn(frame: Frame | undefined): Record<string, unknown>[] {
  const bytes = gunzipSync(frame?.[1] as Uint8Array)
  const entries: [unknown, Record<string, unknown>][] = new Unpackr({ useRecords: false }).unpackMultiple(bytes)
  return entries.map(([, record]) => record)
}

function inventoryAt(time: string): Inventory {
  return { cluster: 'c', nodeId: 'n', time, nodes: [], services: [], tasks: [], placements: [] }
}

async function spoolWith(chunks: readonly string[]): Promise<Spool> {
  const spool = new Spool({ dir: temporaryDir(), maxBytes: 1 << 30, log: silent })
  onTestFinished(() => spool.close())
  for (const id of chunks) await spool.append(chunkOf(id), signal)
  return spool
}

async function emptied(spool: Spool): Promise<void> {
  while (spool.size > 0) await spool.changed.wait()
}

function newForwarder(spool: Spool, port: number, options: Partial<ForwarderOptions> = {}): Forwarder {
  const hello = () => ({ format: 1, version: '1', nodeId: 'n', nodeName: 'node1' })
  return new Forwarder({
    server: { host: '127.0.0.1', port },
    hello,
    spool,
    onStore: () => {},
    log: silent,
    ...options,
  })
}

/** A forwarder that runs until the test ends. */
function forward(spool: Spool, port: number, options: Partial<ForwarderOptions> = {}): Forwarder {
  const forwarder = newForwarder(spool, port, options)
  const stop = new AbortController()
  const running = forwarder.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  return forwarder
}
