import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { Unpackr } from 'msgpackr'
import { pack } from '../../shared/forward/encode.ts'

const ARRAY_3 = 0x93
const BIN_32 = 0xc6
const unpackr = new Unpackr({ useRecords: false })

/** A forward server that acks every chunk as soon as it is whole and never looks into one. */
export class NullSink {
  /** Records that the senders say they sent. */
  records = 0
  readonly #server: Server = createServer((socket) => this.#serve(socket))
  #wanted = 0
  #reached: () => void = () => {}

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /** Counts from 0 again; resolves when so many records have come. */
  async receive(wanted: number): Promise<void> {
    this.records = 0
    this.#wanted = wanted
    await new Promise<void>((resolve) => {
      this.#reached = resolve
    })
  }

  close(): void {
    this.#server.close()
  }

  #serve(socket: Socket): void {
    let held: Buffer[] = []
    let heldBytes = 0
    let needed = 1
    socket.on('error', () => {})
    socket.on('data', (data) => {
      held.push(data)
      heldBytes += data.length
      // Joined only when a frame can be whole.
      if (heldBytes < needed) return
      let bytes = Buffer.concat(held)
      for (;;) {
        const frame = frameAt(bytes)
        if (typeof frame === 'number') {
          needed = frame
          break
        }
        bytes = bytes.subarray(frame.end)
        this.#ack(socket, frame.option)
      }
      held = [bytes]
      heldBytes = bytes.length
    })
  }

  #ack(socket: Socket, { chunk, size = 0, swarmlogs }: Option): void {
    const isHello = swarmlogs !== undefined && 'nodeId' in swarmlogs
    socket.write(
      pack(isHello ? { ack: chunk, swarmlogs: { format: 1, version: '1', store: 'null', epoch: 1 } } : { ack: chunk }),
    )
    this.records += size
    if (this.records >= this.#wanted) this.#reached()
  }
}

interface Option {
  readonly chunk: string
  readonly size?: number
  readonly swarmlogs?: object
}

/** The first frame's option and end, or how many bytes are needed to know more. */
function frameAt(bytes: Buffer): { option: Option; end: number } | number {
  if (bytes.length < 32) return 32
  const binAt = 2 + ((bytes[1] ?? 0) & 0x1f)
  const isPacked = bytes[0] === ARRAY_3 && bytes[binAt] === BIN_32
  const optionAt = isPacked ? binAt + 5 + bytes.readUInt32BE(binAt + 1) : 0
  if (bytes.length <= optionAt) return optionAt + 1
  let found: { option: Option; end: number } | undefined
  try {
    unpackr.unpackMultiple(bytes.subarray(optionAt), (value: unknown, _start?: number, end = 0) => {
      found = { option: (isPacked ? value : (value as unknown[])[2]) as Option, end: optionAt + end }
      return false
    })
  } catch {
    // It is cut; what is there of it has been taken when it is whole.
  }
  return found ?? bytes.length + 1
}
