import { unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import {
  eventTime,
  foreignFrame,
  helloFrame,
  inventoryFrame,
  packEntry,
  packOption,
  recordsFrame,
} from '../../../shared/forward/encode.ts'

const crc = expect.any(Number)
const chunk = { id: 'c1', records: 3, body: Buffer.from('not really compressed') }

describe('frames', () => {
  it('makes a CompressedPackedForward frame with our option', () => {
    const option = { format: 1, streams: [] }
    expect(unpack(Buffer.concat(recordsFrame(chunk, packOption(option))))).toEqual([
      'swarmlogs.records',
      chunk.body,
      { chunk: 'c1', size: 3, compressed: 'zstd', swarmlogs: option, crc },
    ])
  })

  it('makes a frame for others without our option', () => {
    expect(unpack(Buffer.concat(foreignFrame(chunk)))).toEqual([
      'swarmlogs.records',
      chunk.body,
      { chunk: 'c1', size: 3, compressed: 'gzip' },
    ])
  })

  it('makes an empty Forward frame as hello', () => {
    const hello = { format: 1, version: '0.1.0', nodeId: 'n', nodeName: 'node1' }
    expect(unpack(helloFrame(hello, 'h1'))).toEqual(['swarmlogs.hello', [], { chunk: 'h1', swarmlogs: hello, crc }])
  })

  it('makes an inventory frame with the time that it was asked at', () => {
    const inventory = {
      cluster: 'c',
      nodeId: 'n',
      time: '1795233600000000007',
      nodes: [],
      services: [],
      tasks: ['t1'],
      placements: [],
    }
    const frame = inventoryFrame(inventory, 'i1')
    expect(frame.includes(Buffer.from('d7006b01174000000007', 'hex'))).toBe(true)
    expect(unpack(frame)).toEqual(['swarmlogs.inventory', [[undefined, inventory]], { chunk: 'i1', crc }])
  })

  it('packs a foreign entry with its time untouched', () => {
    expect(packEntry(eventTime(1, 2), { a: 1 }).toString('hex')).toBe('92d700000000010000000281a16101')
  })
})
